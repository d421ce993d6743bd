/** Reads the command line. */
import { type Command, type OptionValues } from './command.js';
/** A command line, taken apart. */
export interface CommandLine {
    readonly command: Command | undefined;
    readonly args: readonly string[];
    readonly options: OptionValues;
}
/** Finds the command, its words and its options, and refuses what it does not know. */
export declare function readCommandLine(argv: readonly string[], commands: readonly Command[]): CommandLine;
/** Refuses too few and too many words. */
export declare function checkArity({ name, usage: words, arity }: Command, args: readonly string[]): void;
