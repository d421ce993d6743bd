/** Functions that run as one transaction. */
import type { DatabaseSync } from './database.js';
import type { StatementSync } from './statement.js';
type AnyFunction = (...args: any[]) => unknown;
/** A function that runs as a transaction, or inside one as a savepoint. */
export interface TransactionFn<F extends AnyFunction> {
    (...args: Parameters<F>): ReturnType<F>;
    /** Begins as `BEGIN` does. */
    readonly default: TransactionFn<F>;
    /** Begins with `BEGIN DEFERRED`. */
    readonly deferred: TransactionFn<F>;
    /** Begins with `BEGIN IMMEDIATE`. */
    readonly immediate: TransactionFn<F>;
    /** Begins with `BEGIN EXCLUSIVE`. */
    readonly exclusive: TransactionFn<F>;
    readonly database: DatabaseSync;
}
interface Steps {
    readonly before: StatementSync;
    readonly after: StatementSync;
    readonly undo: StatementSync;
}
/** The statements that begin and end transactions, compiled once a database. */
export declare class TransactionSteps {
    #private;
    constructor(prepare: (sql: string) => StatementSync);
    outermost(begin: string): Steps;
    nested(): Steps;
}
/** Makes the four forms of a function that runs as a transaction. */
export declare function transactionOf<F extends AnyFunction>(database: DatabaseSync, steps: TransactionSteps, work: F): TransactionFn<F>;
export {};
