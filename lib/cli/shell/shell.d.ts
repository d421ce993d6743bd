/** What the shell knows, and how it runs a statement or a dot command. */
import type { Database, Scoped } from '../../database.js';
import type { Context } from '../command.js';
import { Output } from '../output.js';
import { type Settings } from '../render/index.js';
import { type TextSource } from '../sources.js';
/** A shell on one database. */
export declare class Shell {
    #private;
    readonly context: Context;
    readonly db: Database;
    settings: Settings;
    /** Whether EXPLAIN is drawn. */
    plans: boolean;
    timer: boolean;
    changes: boolean;
    echo: boolean;
    /** Whether a script ends at its first error. */
    bail: boolean;
    /** Set by `.quit`. */
    over: number | undefined;
    /** Where results go: standard output, or the file of `.output`. */
    out: Output;
    constructor(context: Context, db: Database, settings?: Settings);
    /** The database, interrupted by the signal in force. */
    get target(): Scoped;
    get signal(): AbortSignal;
    /** Runs something that a signal of its own interrupts. */
    under<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
    /** Sends results to a file, or back to standard output; `one` for the next result only. */
    redirect(path: string | undefined, one: boolean): Promise<void>;
    /** Runs one statement. */
    statement(sql: string): Promise<void>;
    /** Runs a dot command. */
    dot(line: string): Promise<void>;
    /** Runs the lines of a text. A failure is thrown, or given to `failed`, which says whether to go on. */
    script(source: TextSource, failed: (error: unknown) => boolean): Promise<void>;
    /** Runs a file as part of the text that is read. */
    readFile(path: string): Promise<void>;
}
