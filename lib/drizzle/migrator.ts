/**
 * Migrations as drizzle-kit writes them.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { DrizzleQueryError } from 'drizzle-orm/errors'
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator'
import { Database } from '../database.js'
import { withoutForeignKeys } from '../exclusive.js'
import type { Queryable } from '../queryable.js'
import { DatabaseSync } from '../sync/database.js'
import type { ActorDatabase } from './driver.js'
import type { ActorDatabaseSync } from './driver-sync.js'

/** The table that has what was applied. */
const MIGRATIONS_TABLE = '__drizzle_migrations'

/** `meta/_journal.json` of a folder. */
export interface Journal {
  readonly entries: readonly {
    readonly idx: number
    readonly when: number
    readonly tag: string
    readonly breakpoints: boolean
  }[]
}

/**
 * The migrations: a folder that drizzle-kit has made; what it makes for bundlers, the `journal` and
 * the texts by `m0000`; or a list that `readMigrationFiles` of drizzle-orm has read once for all actors.
 */
export type MigrateConfig = {
  /** The table that has what was applied. Default: `__drizzle_migrations`. */
  readonly migrationsTable?: string
} & (
  | { readonly migrationsFolder: string }
  | { readonly journal: Journal; readonly migrations: Readonly<Record<string, string>> }
  | { readonly migrations: readonly MigrationMeta[] }
)

/**
 * Applies the migrations that were not applied yet: all of them, or none. Others wait meanwhile, and
 * foreign keys are not enforced, so that tables can be rebuilt. With nothing to do it only reads. Of a
 * synchronous database it returns when it is done.
 */
export function migrate<Schema extends Record<string, unknown>>(
  db: ActorDatabaseSync<Schema> & { $client: DatabaseSync },
  config: MigrateConfig,
): void
export function migrate<Schema extends Record<string, unknown>>(
  db: ActorDatabase<Schema> & { $client: unknown },
  config: MigrateConfig,
): Promise<void>
export function migrate(
  { $client: client }: { $client: unknown },
  config: MigrateConfig,
): Promise<void> | void {
  if (client instanceof DatabaseSync) return migrateSync(client, config)
  return migrateAsync(client, config)
}

async function migrateAsync(client: unknown, config: MigrateConfig): Promise<void> {
  if (!(client instanceof Database)) {
    throw new TypeError('migrate() needs a drizzle() of a database, not of a transaction')
  }
  const table = config.migrationsTable ?? MIGRATIONS_TABLE
  const migrations = migrationsOf(config)
  if ((await missing(client, table, migrations)).length === 0) return
  await withoutForeignKeys(client, async (alone) => {
    await alone.exec('BEGIN IMMEDIATE')
    await alone.exec(creation(table))
    for (const { sql, hash, folderMillis } of await missing(alone, table, migrations)) {
      for (const statement of sql) await alone.exec(statement).catch(failed(statement))
      await alone.run(record(table), hash, folderMillis)
    }
    await alone.exec('COMMIT')
  })
}

function migrateSync(client: DatabaseSync, config: MigrateConfig): void {
  const table = config.migrationsTable ?? MIGRATIONS_TABLE
  const migrations = migrationsOf(config)
  if (missingSync(client, table, migrations).length === 0) return
  if (client.inTransaction) throw new TypeError('migrate() needs a database that is in no transaction')
  const enforced = client.pragma('foreign_keys', { simple: true })
  client.pragma('foreign_keys = OFF')
  try {
    const apply = client.transaction(() => {
      client.exec(creation(table))
      for (const { sql, hash, folderMillis } of missingSync(client, table, migrations)) {
        for (const statement of sql) execSync(client, statement)
        client.prepare(record(table)).run(hash, folderMillis)
      }
    })
    apply.immediate()
  } finally {
    client.pragma(`foreign_keys = ${enforced}`)
  }
}

function execSync(client: DatabaseSync, statement: string): void {
  try {
    client.exec(statement)
  } catch (error) {
    failed(statement)(error)
  }
}

const failed =
  (statement: string) =>
  (error: unknown): never => {
    throw new DrizzleQueryError(statement, [], error as Error)
  }

const quoted = (table: string): string => `"${table.replaceAll('"', '""')}"`

/** The table as all drivers of drizzle make it. */
const creation = (table: string): string =>
  `CREATE TABLE IF NOT EXISTS ${quoted(table)} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)`

const record = (table: string): string => `INSERT INTO ${quoted(table)} ("hash", "created_at") VALUES (?, ?)`

const IS_THERE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
const newestOf = (table: string): string => `SELECT max(created_at) FROM ${quoted(table)}`

/** The migrations that are newer than the newest that was applied. */
async function missing(
  on: Queryable,
  table: string,
  migrations: readonly MigrationMeta[],
): Promise<readonly MigrationMeta[]> {
  if ((await on.pluck(IS_THERE, table)) === undefined) return migrations
  return newer(migrations, await on.pluck(newestOf(table)))
}

function missingSync(
  on: DatabaseSync,
  table: string,
  migrations: readonly MigrationMeta[],
): readonly MigrationMeta[] {
  if (on.prepare(IS_THERE).get(table) === undefined) return migrations
  return newer(migrations, on.prepare(newestOf(table)).pluck().get())
}

function newer(migrations: readonly MigrationMeta[], newest: unknown): readonly MigrationMeta[] {
  return newest === null ? migrations : migrations.filter(({ folderMillis }) => Number(newest) < folderMillis)
}

function migrationsOf(config: MigrateConfig): readonly MigrationMeta[] {
  if ('migrationsFolder' in config) return readMigrationFiles({ migrationsFolder: config.migrationsFolder })
  if (!('journal' in config)) return config.migrations
  const { journal, migrations } = config
  return journal.entries.map(({ idx, when, tag, breakpoints }) => {
    const text = migrations[`m${String(idx).padStart(4, '0')}`]
    if (text === undefined) throw new Error(`the migration ${tag} of the journal is missing`)
    return {
      sql: text.split('--> statement-breakpoint'),
      bps: breakpoints,
      folderMillis: when,
      hash: createHash('sha256').update(text).digest('hex'),
    }
  })
}
