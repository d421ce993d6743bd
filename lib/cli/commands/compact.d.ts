/** `compact`: gives back the room that a database does not need. */
import type { Command } from '../command.js';
export declare const compact: Command;
