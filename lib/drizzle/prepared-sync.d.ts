/** Queries of drizzle on a synchronous database. */
import { entityKind } from 'drizzle-orm/entity';
import { type PreparedQueryConfig, SQLitePreparedQuery } from 'drizzle-orm/sqlite-core';
import type { StatementSync } from '../sync/statement.js';
import type { RunResult } from '../types.js';
import type { Prepared } from './prepared.js';
/** A query with its statement, which queries of the same text share. */
export declare class ActorPreparedQuerySync<T extends PreparedQueryConfig = PreparedQueryConfig> extends SQLitePreparedQuery<T & {
    type: 'sync';
}> {
    #private;
    static readonly [entityKind]: string;
    constructor(statement: StatementSync<unknown>, prepared: Prepared);
    run(placeholders?: Record<string, unknown>): RunResult;
    all(placeholders?: Record<string, unknown>): T['all'];
    get(placeholders?: Record<string, unknown>): T['get'];
    values(placeholders?: Record<string, unknown>): T['values'];
}
