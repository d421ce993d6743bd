/** `stat`: what a store knows of an actor. */
import type { Command } from '../command.js';
export declare const stat: Command;
