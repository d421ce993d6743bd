/** `list`: the actors of a store. */
import type { Command } from '../command.js';
export declare const list: Command;
