/** Errors as the users of @libsql/client know them. */
/** A call of a client failed. Of the same shape as the class of `@libsql/core`, and not an instance of it. */
export declare class LibsqlError extends Error {
    /** The name of SQLite's primary code, a code of the client such as `CLIENT_CLOSED`, or of a `StorageError`. */
    readonly code: string;
    /** The name of SQLite's extended code, where it is SQLite that refused. */
    readonly extendedCode?: string;
    /** The extended code. */
    readonly rawCode?: number;
    constructor(message: string, code: string, extendedCode?: string, rawCode?: number, cause?: Error);
}
/** A statement of a batch failed. */
export declare class LibsqlBatchError extends LibsqlError {
    /** Which, from 0. */
    readonly statementIndex: number;
    constructor(message: string, statementIndex: number, code: string, extendedCode?: string, rawCode?: number, cause?: Error);
}
/** The client was closed. */
export declare const clientClosed: (cause?: Error) => LibsqlError;
/** The transaction was committed, rolled back, or ended by SQLite. */
export declare const transactionClosed: (cause?: Error, statementIndex?: number) => LibsqlError;
/**
 * What a client throws for an error of a database, of the statement of a batch if `statementIndex` is
 * given. What is wrong with arguments stays a `TypeError` or `RangeError`.
 */
export declare function libsqlError(error: unknown, statementIndex?: number): unknown;
