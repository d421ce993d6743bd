/** `delete`: an actor and its database. */
import type { Command } from '../command.js';
export declare const deleteCommand: Command;
