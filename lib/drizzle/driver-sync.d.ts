/** Drizzle over a synchronous database. */
import { entityKind } from 'drizzle-orm/entity';
import { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';
import type { DrizzleConfig } from 'drizzle-orm/utils';
import type { DatabaseSync } from '../sync/database.js';
import type { RunResult } from '../types.js';
/** A drizzle database whose queries return their results. */
export declare class ActorDatabaseSync<Schema extends Record<string, unknown> = Record<string, never>> extends BaseSQLiteDatabase<'sync', RunResult, Schema> {
    static readonly [entityKind]: string;
}
/** Makes a drizzle database of a synchronous one. */
export declare function constructSync<Schema extends Record<string, unknown>>(client: DatabaseSync, config: DrizzleConfig<Schema>): ActorDatabaseSync<Schema> & {
    $client: DatabaseSync;
};
