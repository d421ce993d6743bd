#!/usr/bin/env node
/** The program `actor-sqlite`. */
export {};
