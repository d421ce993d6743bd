/** Drizzle over a synchronous database. */

import { entityKind } from 'drizzle-orm/entity'
import type { ExtractTablesWithRelations } from 'drizzle-orm/relations'
import { BaseSQLiteDatabase, SQLiteSyncDialect } from 'drizzle-orm/sqlite-core'
import type { DrizzleConfig } from 'drizzle-orm/utils'
import type { DatabaseSync } from '../sync/database.js'
import type { RunResult } from '../types.js'
import { loggerOf, schemaOf } from './config.js'
import { ActorSessionSync } from './session-sync.js'

/** A drizzle database whose queries return their results. */
export class ActorDatabaseSync<
  Schema extends Record<string, unknown> = Record<string, never>,
> extends BaseSQLiteDatabase<'sync', RunResult, Schema> {
  static override readonly [entityKind]: string = 'ActorDatabaseSync'
}

/** Makes a drizzle database of a synchronous one. */
export function constructSync<Schema extends Record<string, unknown>>(
  client: DatabaseSync,
  config: DrizzleConfig<Schema>,
): ActorDatabaseSync<Schema> & { $client: DatabaseSync } {
  if (config.cache !== undefined) throw new TypeError('a synchronous database takes no "cache"')
  const dialect = new SQLiteSyncDialect({ casing: config.casing })
  const schema = schemaOf<ExtractTablesWithRelations<Schema>>(config.schema)
  const logger = loggerOf(config)
  const session = new ActorSessionSync<Schema, ExtractTablesWithRelations<Schema>>(client, {
    dialect,
    schema,
    logger,
  })
  return Object.assign(new ActorDatabaseSync<Schema>('sync', dialect, session, schema), { $client: client })
}
