/** Transactions: a handle that owns the connection while its callback runs. */
import { Queryable } from './queryable.js';
import { type Scope } from './scope.js';
import type { TransactionBehavior } from './types.js';
/** Thrown by `rollback()`, and by the call of the transaction then. */
export declare class RollbackError extends Error {
    readonly code = "ERR_ROLLBACK";
    constructor();
}
/** What a transaction's callback works with. Of no use after the callback has ended. */
export declare class Transaction extends Queryable {
    #private;
    /**
     * Runs a part that can fail alone: what it did is undone when its callback throws. Until it
     * ends, only the handle it is given may be used.
     */
    savepoint<T>(callback: (tx: Transaction) => Promise<T> | T): Promise<T>;
    /** The same as `savepoint`. */
    transaction<T>(callback: (tx: Transaction) => Promise<T> | T): Promise<T>;
    /** Gives up: throws out of the callback. */
    rollback(): never;
}
/**
 * Runs a transaction: commits when its callback succeeds, else rolls back. It is begun within
 * `waitMs`, or not at all.
 */
export declare function transact<T>(outer: Scope, callback: (tx: Transaction) => Promise<T> | T, behavior: TransactionBehavior, timeoutMs: number, waitMs?: number): Promise<T>;
