#!/usr/bin/env node
/** The program `actor-sqlite`. */

import { run } from './run.js'

process.exitCode = await run(process.argv.slice(2))
