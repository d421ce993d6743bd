/** What drizzle sends its queries through on a synchronous database. */
import { entityKind } from 'drizzle-orm/entity';
import type { Logger } from 'drizzle-orm/logger';
import type { RelationalSchemaConfig, TablesRelationalConfig } from 'drizzle-orm/relations';
import type { Query } from 'drizzle-orm/sql';
import { type PreparedQueryConfig, type SelectedFieldsOrdered, type SQLiteExecuteMethod, SQLiteSession, type SQLiteSyncDialect, SQLiteTransaction, type SQLiteTransactionConfig } from 'drizzle-orm/sqlite-core';
import type { DatabaseSync } from '../sync/database.js';
import type { RunResult } from '../types.js';
import type { ResultMapper } from './map.js';
import { ActorPreparedQuerySync } from './prepared-sync.js';
/** What all queries of a drizzle database share. */
export interface SessionSyncOptions<Tables extends TablesRelationalConfig> {
    readonly dialect: SQLiteSyncDialect;
    readonly schema: RelationalSchemaConfig<Tables> | undefined;
    readonly logger: Logger | undefined;
}
/** Queries on a synchronous database, inside its transactions and outside. */
export declare class ActorSessionSync<Full extends Record<string, unknown>, Tables extends TablesRelationalConfig> extends SQLiteSession<'sync', RunResult, Full, Tables> {
    #private;
    static readonly [entityKind]: string;
    constructor(on: DatabaseSync, options: SessionSyncOptions<Tables>);
    prepareQuery<T extends PreparedQueryConfig>(query: Query, fields: SelectedFieldsOrdered | undefined, method: SQLiteExecuteMethod, _isResponseInArrayMode: boolean, mapper?: ResultMapper): ActorPreparedQuerySync<T>;
    /** Runs a callback as a transaction. It must not be `async`. */
    transaction<T>(callback: (tx: ActorTransactionSync<Full, Tables>) => T, config?: SQLiteTransactionConfig): T;
}
/** A transaction of a synchronous database, or a savepoint of one. */
export declare class ActorTransactionSync<Full extends Record<string, unknown>, Tables extends TablesRelationalConfig> extends SQLiteTransaction<'sync', RunResult, Full, Tables> {
    static readonly [entityKind]: string;
    /** Runs a part that can fail alone. */
    transaction<T>(callback: (tx: ActorTransactionSync<Full, Tables>) => T): T;
}
