/** The one connection that kysely gets of a database. */
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';
/** What kysely 0.29 and newer pass beside a query. */
interface AbortableOptions {
    readonly signal?: AbortSignal | undefined;
}
/** Runs kysely's queries: on the database, or in the transaction that is open. */
export declare class ActorSqliteConnection implements DatabaseConnection {
    #private;
    executeQuery<R>(query: CompiledQuery, abortable?: AbortableOptions): Promise<QueryResult<R>>;
    /** Rows as they are asked for, `chunkSize` at a time. A loop that is left ends the statement. */
    streamQuery<R>(query: CompiledQuery, chunkSize?: number, options?: AbortableOptions): AsyncIterableIterator<QueryResult<R>>;
    /**
     * Interrupts the query that runs: kysely's strategy `'cancel query'` for a signal that is aborted.
     * A write that is interrupted inside a transaction ends the transaction, as in SQLite.
     */
    cancelQuery(): Promise<void>;
}
export {};
