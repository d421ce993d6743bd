/** Queries of drizzle, ready to run. */
import type { Cache } from 'drizzle-orm/cache/core';
import type { WithCacheConfig } from 'drizzle-orm/cache/core/types';
import { entityKind } from 'drizzle-orm/entity';
import type { Logger } from 'drizzle-orm/logger';
import { type Query } from 'drizzle-orm/sql';
import { type PreparedQueryConfig, type SQLiteExecuteMethod, SQLitePreparedQuery } from 'drizzle-orm/sqlite-core';
import type { Queryable } from '../queryable.js';
import type { RunResult } from '../types.js';
import { type Mapping } from './map.js';
/** Which tables a query reads or writes. */
export interface QueryMetadata {
    readonly type: 'select' | 'update' | 'delete' | 'insert';
    readonly tables: string[];
}
/** What a query is prepared with. */
export interface Prepared extends Mapping {
    readonly query: Query;
    readonly method: SQLiteExecuteMethod;
    readonly logger: Logger | undefined;
    readonly cache: Cache | undefined;
    readonly metadata: QueryMetadata | undefined;
    readonly cacheConfig: WithCacheConfig | undefined;
}
/** A query on a database or in a transaction. Its statement is compiled once, and kept by its text. */
export declare class ActorPreparedQuery<T extends PreparedQueryConfig = PreparedQueryConfig> extends SQLitePreparedQuery<T & {
    type: 'async';
}> {
    #private;
    static readonly [entityKind]: string;
    constructor(on: Queryable, prepared: Prepared);
    run(placeholders?: Record<string, unknown>): Promise<T['run']>;
    all(placeholders?: Record<string, unknown>): Promise<T['all']>;
    get(placeholders?: Record<string, unknown>): Promise<T['get']>;
    values(placeholders?: Record<string, unknown>): Promise<T['values']>;
    mapRunResult(result: unknown): RunResult;
    mapAllResult(result: unknown): unknown;
    mapGetResult(result: unknown): unknown;
}
