/** How commands fail: what is said, and the exit code. */
/** Exit codes, for scripts. */
export declare const Exit: {
    readonly ok: 0;
    /** It did not work, or something is damaged. */
    readonly failed: 1;
    /** The command line makes no sense. */
    readonly usage: 2;
    /** There is no such store, actor, table or file. */
    readonly notFound: 3;
    /** Another process holds the store. */
    readonly inUse: 4;
    /** SQLite refused: bad SQL, a constraint. */
    readonly sql: 5;
    /** Ended by Ctrl-C. */
    readonly interrupted: 130;
};
/** A failure that is said in one line, without a stack. */
export declare class CliError extends Error {
    readonly exit: number;
    /** A line of advice below the message. */
    readonly hint: string | undefined;
    constructor(message: string, exit?: number, hint?: string);
}
/** The command line is wrong. */
export declare const usage: (message: string, hint?: string) => CliError;
/** Whoever read standard output has gone: nothing more is to be said. */
export declare class BrokenPipe extends Error {
}
/** The running command was given up by Ctrl-C. */
export declare class Interrupted extends Error {
    constructor();
}
/** An error of a statement of a script, with the place of the statement. */
export declare class StatementFailure extends Error {
    readonly cause: unknown;
    readonly sql: string;
    readonly line: number;
    constructor(cause: unknown, sql: string, line: number);
}
/** The exit code of an error. */
export declare function exitCode(error: unknown): number;
/** What is said of an error, in lines. */
export declare function explain(error: unknown): string[];
/** The same for programs: one JSON object. */
export declare function explainJson(error: unknown): string;
