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
import type { ActorDatabase } from './driver.js'

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
 * foreign keys are not enforced, so that tables can be rebuilt. With nothing to do it only reads.
 */
export async function migrate<Schema extends Record<string, unknown>>(
  db: ActorDatabase<Schema> & { $client: unknown },
  config: MigrateConfig,
): Promise<void> {
  const { $client: client } = db
  if (!(client instanceof Database)) {
    throw new TypeError('migrate() needs a drizzle() of a database, not of a transaction')
  }
  const table = `"${(config.migrationsTable ?? MIGRATIONS_TABLE).replaceAll('"', '""')}"`
  const migrations = migrationsOf(config)
  if ((await missing(client, table, migrations)).length === 0) return
  await withoutForeignKeys(client, async (alone) => {
    await alone.exec('BEGIN IMMEDIATE')
    await alone.exec(
      `CREATE TABLE IF NOT EXISTS ${table} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)`,
    )
    for (const migration of await missing(alone, table, migrations)) await apply(alone, table, migration)
    await alone.exec('COMMIT')
  })
}

/** The migrations that are newer than the newest that was applied. */
async function missing(
  on: Queryable,
  table: string,
  migrations: readonly MigrationMeta[],
): Promise<readonly MigrationMeta[]> {
  const name = table.slice(1, -1).replaceAll('""', '"')
  const there = await on.pluck("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", name)
  if (there === undefined) return migrations
  const newest = await on.pluck(`SELECT max(created_at) FROM ${table}`)
  return newest === null ? migrations : migrations.filter(({ folderMillis }) => Number(newest) < folderMillis)
}

async function apply(on: Queryable, table: string, migration: MigrationMeta): Promise<void> {
  const { sql, hash, folderMillis } = migration
  for (const statement of sql) {
    try {
      await on.exec(statement)
    } catch (error) {
      throw new DrizzleQueryError(statement, [], error as Error)
    }
  }
  await on.run(`INSERT INTO ${table} ("hash", "created_at") VALUES (?, ?)`, hash, folderMillis)
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
