/** Interactive transactions: handles that stay open until somebody commits or lets go. */
import type { InArgs, InStatement, IntMode, ResultSet, Transaction, TransactionMode } from '@libsql/core/api';
import type { Database } from '../database.js';
import type { Queryable } from '../queryable.js';
import type { TransactionBehavior } from '../types.js';
import { type Statement } from './values.js';
/** How SQLite begins a transaction of a mode. One that reads is one that has not written yet. */
export declare function behaviorOf(mode: TransactionMode): TransactionBehavior;
/** Runs one statement. Throws the database's own errors. */
export declare function run(on: Queryable, statement: Statement, mode: IntMode): Promise<ResultSet>;
/** Runs statements one after another: what those before a failing one did stays. */
export declare function runAll(statements: readonly Statement[], run: (statement: Statement) => Promise<ResultSet>): Promise<ResultSet[]>;
/** A transaction whose callback is whoever has this handle. */
export declare class ActorTransaction implements Transaction {
    #private;
    private constructor();
    /** Begins one, within `waitMs`. */
    static begin(database: Database, mode: TransactionMode, intMode: IntMode, waitMs: number): Promise<ActorTransaction>;
    /** Resolves when it has ended, however. */
    get ended(): Promise<unknown>;
    execute(statement: InStatement): Promise<ResultSet>;
    execute(sql: string, args?: InArgs): Promise<ResultSet>;
    batch(statements: readonly Statement[]): Promise<ResultSet[]>;
    executeMultiple(sql: string): Promise<void>;
    commit(): Promise<void>;
    rollback(): Promise<void>;
    close(): void;
    get closed(): boolean;
}
