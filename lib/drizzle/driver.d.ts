/** Drizzle over the database of one actor. */
import type { BatchItem, BatchResponse } from 'drizzle-orm/batch';
import { entityKind } from 'drizzle-orm/entity';
import { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';
import type { DrizzleConfig } from 'drizzle-orm/utils';
import { Database } from '../database.js';
import { DatabaseSync } from '../sync/database.js';
import { Transaction } from '../transaction.js';
import type { RunResult } from '../types.js';
import { type ActorDatabaseSync } from './driver-sync.js';
/** What queries go to: a database, or a transaction that is open. */
export type Client = Database | Transaction;
/** A drizzle database whose queries run on a database of an actor. */
export declare class ActorDatabase<Schema extends Record<string, unknown> = Record<string, never>> extends BaseSQLiteDatabase<'async', RunResult, Schema> {
    static readonly [entityKind]: string;
    /** Runs queries as one transaction, in one crossing. If one fails, none has run. */
    batch<Item extends BatchItem<'sqlite'>, Batch extends Readonly<[Item, ...Item[]]>>(batch: Batch): Promise<BatchResponse<Batch>>;
}
/** Makes a drizzle database; of a synchronous database one whose queries return their results. */
export declare function drizzle<Schema extends Record<string, unknown> = Record<string, never>>(client: DatabaseSync, config?: DrizzleConfig<Schema>): ActorDatabaseSync<Schema> & {
    $client: DatabaseSync;
};
export declare function drizzle<Schema extends Record<string, unknown> = Record<string, never>>(config: DrizzleConfig<Schema> & {
    client: DatabaseSync;
}): ActorDatabaseSync<Schema> & {
    $client: DatabaseSync;
};
export declare function drizzle<Schema extends Record<string, unknown> = Record<string, never>, C extends Client = Database>(client: C, config?: DrizzleConfig<Schema>): ActorDatabase<Schema> & {
    $client: C;
};
export declare function drizzle<Schema extends Record<string, unknown> = Record<string, never>, C extends Client = Database>(config: DrizzleConfig<Schema> & {
    client: C;
}): ActorDatabase<Schema> & {
    $client: C;
};
