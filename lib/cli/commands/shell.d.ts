/** `shell`: an actor's database at a prompt, or a script from standard input. */
import type { Command } from '../command.js';
export declare const shell: Command;
