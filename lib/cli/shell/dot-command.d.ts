/** What a dot command is. */
import type { Shell } from './shell.js';
/** A dot command. */
export interface DotCommand {
    readonly name: string;
    readonly usage: string;
    readonly help: string;
    run(shell: Shell, args: readonly string[]): Promise<void> | void;
}
/** The argument of a dot command that needs one. */
export declare function needed(args: readonly string[], index: number, what: string): string;
