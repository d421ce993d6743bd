/** The client: the calls of @libsql/client over the database of one actor. */
import type { Client, InArgs, InStatement, Replicated, ResultSet, TransactionMode } from '@libsql/core/api';
import { type Database } from '../database.js';
import { type Config } from './config.js';
import { ActorTransaction } from './transaction.js';
import { type Statement } from './values.js';
/** One actor's database by the calls of @libsql/client. It is opened by the first call. */
export declare class ActorClient implements Client {
    #private;
    /** Whether it was closed, and not connected again. */
    closed: boolean;
    /** What a local database has there. */
    readonly protocol = "file";
    constructor(config: Config);
    /** The database, opened if need be: for what this interface has not. */
    database(): Promise<Database>;
    execute(statement: InStatement): Promise<ResultSet>;
    execute(sql: string, args?: InArgs): Promise<ResultSet>;
    batch(statements: readonly Statement[], mode?: TransactionMode): Promise<ResultSet[]>;
    migrate(statements: readonly InStatement[]): Promise<ResultSet[]>;
    transaction(mode?: TransactionMode): Promise<ActorTransaction>;
    executeMultiple(sql: string): Promise<void>;
    /** Rejects: a database of an actor is no replica of another one. */
    sync(): Promise<Replicated>;
    /** Rolls back the transactions that are open, and lets the database go when the calls made before have ended. */
    close(): void;
    /** Opens it again, with the next call. */
    reconnect(): Promise<void>;
    /** Closes it, and waits until the database is let go. */
    [Symbol.asyncDispose](): Promise<void>;
}
