/** `verify`: checksums of all rows, and SQLite's own check. */
import type { Command } from '../command.js';
export declare const verify: Command;
