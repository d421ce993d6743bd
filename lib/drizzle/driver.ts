/** Drizzle over the database of one actor. */

import type { BatchItem, BatchResponse } from 'drizzle-orm/batch'
import { entityKind } from 'drizzle-orm/entity'
import type { ExtractTablesWithRelations } from 'drizzle-orm/relations'
import { BaseSQLiteDatabase, SQLiteAsyncDialect } from 'drizzle-orm/sqlite-core'
import type { DrizzleConfig } from 'drizzle-orm/utils'
import { Database } from '../database.js'
import { describe } from '../encode.js'
import { DatabaseSync } from '../sync/database.js'
import { Transaction } from '../transaction.js'
import type { RunResult } from '../types.js'
import { loggerOf, schemaOf } from './config.js'
import { type ActorDatabaseSync, constructSync } from './driver-sync.js'
import { ActorSession } from './session.js'

/** What queries go to: a database, or a transaction that is open. */
export type Client = Database | Transaction

/** A drizzle database whose queries run on a database of an actor. */
export class ActorDatabase<
  Schema extends Record<string, unknown> = Record<string, never>,
> extends BaseSQLiteDatabase<'async', RunResult, Schema> {
  static override readonly [entityKind]: string = 'ActorDatabase'

  /** Runs queries as one transaction, in one crossing. If one fails, none has run. */
  async batch<Item extends BatchItem<'sqlite'>, Batch extends Readonly<[Item, ...Item[]]>>(
    batch: Batch,
  ): Promise<BatchResponse<Batch>> {
    const { session } = this as unknown as {
      readonly session: ActorSession<Schema, ExtractTablesWithRelations<Schema>>
    }
    return (await session.batch(batch)) as BatchResponse<Batch>
  }
}

/** Makes a drizzle database; of a synchronous database one whose queries return their results. */
export function drizzle<Schema extends Record<string, unknown> = Record<string, never>>(
  client: DatabaseSync,
  config?: DrizzleConfig<Schema>,
): ActorDatabaseSync<Schema> & { $client: DatabaseSync }
export function drizzle<Schema extends Record<string, unknown> = Record<string, never>>(
  config: DrizzleConfig<Schema> & { client: DatabaseSync },
): ActorDatabaseSync<Schema> & { $client: DatabaseSync }
export function drizzle<
  Schema extends Record<string, unknown> = Record<string, never>,
  C extends Client = Database,
>(client: C, config?: DrizzleConfig<Schema>): ActorDatabase<Schema> & { $client: C }
export function drizzle<
  Schema extends Record<string, unknown> = Record<string, never>,
  C extends Client = Database,
>(config: DrizzleConfig<Schema> & { client: C }): ActorDatabase<Schema> & { $client: C }
export function drizzle<Schema extends Record<string, unknown>>(
  first: Client | DatabaseSync | (DrizzleConfig<Schema> & { client: Client | DatabaseSync }),
  second: DrizzleConfig<Schema> = {},
): ActorDatabase<Schema> | ActorDatabaseSync<Schema> {
  if (isClient(first)) return construct(first, second)
  if (first instanceof DatabaseSync) return constructSync(first, second)
  const { client, ...config } = first ?? {}
  if (isClient(client)) return construct(client, config)
  if (client instanceof DatabaseSync) return constructSync(client, config)
  throw new TypeError(
    `drizzle() needs a database or a transaction, as it is or as "client", not ${describe(client)}`,
  )
}

function isClient(value: unknown): value is Client {
  return value instanceof Database || value instanceof Transaction
}

function construct<Schema extends Record<string, unknown>, C extends Client>(
  client: C,
  config: DrizzleConfig<Schema>,
): ActorDatabase<Schema> & { $client: C } {
  const { casing, cache } = config
  const dialect = new SQLiteAsyncDialect({ casing })
  const schema = schemaOf<ExtractTablesWithRelations<Schema>>(config.schema)
  const session = new ActorSession<Schema, ExtractTablesWithRelations<Schema>>(client, {
    dialect,
    schema,
    logger: loggerOf(config),
    cache,
  })
  const database = new ActorDatabase<Schema>('async', dialect, session, schema)
  if (cache !== undefined) {
    // As with all drivers it is the cache itself.
    database.$cache = Object.assign(cache, { invalidate: cache.onMutate.bind(cache) })
  }
  return Object.assign(database, { $client: client })
}
