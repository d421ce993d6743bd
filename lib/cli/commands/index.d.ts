/** All commands, in the order of the help. */
import type { Command } from '../command.js';
export declare const COMMANDS: readonly Command[];
