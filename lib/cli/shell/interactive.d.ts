/** The shell on a terminal. */
import type { Shell } from './shell.js';
/** Reads statements from a terminal until the user leaves. */
export declare class Terminal {
    #private;
    constructor(shell: Shell);
    /** Runs until the end of input or `.quit`; gives the exit code. */
    run(): Promise<number>;
}
