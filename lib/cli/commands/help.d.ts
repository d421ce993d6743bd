/** `help`: all commands, or one. */
import { type Command } from '../command.js';
/** The help of one command. */
export declare function commandHelp({ name, usage: words, summary, details, options, examples }: Command): string;
/** The help of the program. */
export declare function programHelp(commands: readonly Command[]): string;
/** The command `help`, which knows all others. */
export declare function helpFor(commands: () => readonly Command[]): Command;
