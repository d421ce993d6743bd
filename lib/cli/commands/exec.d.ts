/** `exec`: a script. */
import type { Command } from '../command.js';
export declare const exec: Command;
