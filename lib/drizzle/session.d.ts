/** What drizzle sends its queries through: a database, or one transaction of it. */
import type { BatchItem } from 'drizzle-orm/batch';
import { type Cache } from 'drizzle-orm/cache/core';
import type { WithCacheConfig } from 'drizzle-orm/cache/core/types';
import { entityKind } from 'drizzle-orm/entity';
import type { Logger } from 'drizzle-orm/logger';
import type { RelationalSchemaConfig, TablesRelationalConfig } from 'drizzle-orm/relations';
import type { Query } from 'drizzle-orm/sql';
import { type PreparedQueryConfig, type SelectedFieldsOrdered, type SQLiteAsyncDialect, type SQLiteExecuteMethod, SQLiteSession, SQLiteTransaction, type SQLiteTransactionConfig } from 'drizzle-orm/sqlite-core';
import type { Database } from '../database.js';
import { Transaction } from '../transaction.js';
import type { ResultSet, RunResult } from '../types.js';
import { type ResultMapper } from './map.js';
import { ActorPreparedQuery, type QueryMetadata } from './prepared.js';
/** What all queries of a drizzle database share. */
export interface SessionOptions<Tables extends TablesRelationalConfig> {
    readonly dialect: SQLiteAsyncDialect;
    readonly schema: RelationalSchemaConfig<Tables> | undefined;
    readonly logger: Logger | undefined;
    readonly cache: Cache | undefined;
}
/** Queries on a database or in a transaction. */
export declare class ActorSession<Full extends Record<string, unknown>, Tables extends TablesRelationalConfig> extends SQLiteSession<'async', RunResult, Full, Tables> {
    #private;
    static readonly [entityKind]: string;
    constructor(on: Database | Transaction, options: SessionOptions<Tables>);
    prepareQuery<T extends PreparedQueryConfig>(query: Query, fields: SelectedFieldsOrdered | undefined, method: SQLiteExecuteMethod, _isResponseInArrayMode: boolean, mapper?: ResultMapper, metadata?: QueryMetadata, cacheConfig?: WithCacheConfig): ActorPreparedQuery<T>;
    /** Runs queries as one transaction, in one crossing. */
    batch(queries: readonly BatchItem<'sqlite'>[]): Promise<unknown[]>;
    /** Runs a callback as a transaction, or as a savepoint where one is open. */
    transaction<T>(callback: (tx: ActorTransaction<Full, Tables>) => Promise<T>, config?: SQLiteTransactionConfig): Promise<T>;
    /** What `db.run()` gives in a batch; the others likewise. */
    extractRawRunValueFromBatchResult({ rowsAffected, lastInsertRowid }: ResultSet): RunResult;
    extractRawAllValueFromBatchResult(result: ResultSet): unknown;
    extractRawGetValueFromBatchResult(result: ResultSet): unknown;
    extractRawValuesValueFromBatchResult({ rows }: ResultSet): unknown;
}
/** A transaction, or a savepoint of one. */
export declare class ActorTransaction<Full extends Record<string, unknown>, Tables extends TablesRelationalConfig> extends SQLiteTransaction<'async', RunResult, Full, Tables> {
    static readonly [entityKind]: string;
    /** Runs a part that can fail alone. Until it ends, only the handle it is given may be used. */
    transaction<T>(callback: (tx: ActorTransaction<Full, Tables>) => Promise<T>): Promise<T>;
}
