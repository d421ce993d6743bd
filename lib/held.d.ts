/** Transactions for libraries that begin and end one by calls, and have no callback to give. */
import type { Database } from './database.js';
import { type Transaction } from './transaction.js';
import type { TransactionOptions } from './types.js';
/** A transaction that is open until it is told to end. It owns the database's connection meanwhile. */
export declare class HeldTransaction {
    #private;
    private constructor();
    /** Waits for the transactions before it, and begins. */
    static begin(database: Database, options?: TransactionOptions): Promise<HeldTransaction>;
    /** What runs in it. */
    get tx(): Transaction;
    /** Commits. If that fails it is rolled back, and over all the same. */
    commit(): Promise<void>;
    /** Rolls back; no error if SQLite, or a time limit, did so before. */
    rollback(): Promise<void>;
}
