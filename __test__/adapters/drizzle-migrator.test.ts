/** Migrations that the real drizzle-kit has made. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { drizzle } from 'actor-sqlite/drizzle'
import { type Journal, migrate } from 'actor-sqlite/drizzle/migrator'
import { DrizzleQueryError } from 'drizzle-orm/errors'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { beforeAll, expect, test } from 'vitest'
import type { Database } from '../../index.js'
import { newDatabase, rejection, root, temporaryDirectory } from '../support.js'

const work = temporaryDirectory()
const [first, second] = [join(work, 'first'), join(work, 'second')]

const schema = (name: string) => `
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
export const users = sqliteTable('users', { id: integer().primaryKey(), name: ${name} })
export const posts = sqliteTable('posts', { id: integer().primaryKey(), author: integer().notNull().references(() => users.id) })
`

function generate(folder: string): void {
  const kit = join(root, 'node_modules', 'drizzle-kit', 'bin.cjs')
  execFileSync(
    process.execPath,
    [kit, 'generate', '--dialect', 'sqlite', '--schema', 'schema.ts', '--out', folder],
    {
      cwd: work,
      stdio: 'pipe',
    },
  )
}

beforeAll(() => {
  mkdirSync(work, { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(work, 'node_modules'))
  writeFileSync(join(work, 'schema.ts'), schema('text()'))
  generate('second')
  execFileSync('cp', ['-r', second, first])
  // Another constraint of a column: the table is made anew and the rows are copied.
  writeFileSync(join(work, 'schema.ts'), schema("text().notNull().default('nobody')"))
  generate('second')
})

/** A database after the first migration, with a row that refers to another. */
async function filled(): Promise<Database> {
  const client = await newDatabase()
  await migrate(drizzle(client), { migrationsFolder: first })
  await client.exec("INSERT INTO users VALUES (1, 'Ada'); INSERT INTO posts VALUES (1, 1)")
  return client
}

const applied = (client: Database) => client.pluck('SELECT count(*) FROM __drizzle_migrations')

test('a folder is applied, and then only what is new in it', async () => {
  const client = await filled()
  const db = drizzle(client)
  expect(await applied(client)).toBe(1)
  expect(readFileSync(join(second, newest(second)), 'utf8')).toContain('DROP TABLE `users`')
  await migrate(db, { migrationsFolder: second })
  expect(await applied(client)).toBe(2)
  // The rows are there, and those that refer to them were not deleted with the old table.
  expect(await client.values('SELECT users.name FROM posts JOIN users ON users.id = author')).toEqual([
    ['Ada'],
  ])
  expect(await rejection(client.run('INSERT INTO users VALUES (2, NULL)'))).toMatchObject({
    code: 'SQLITE_CONSTRAINT_NOTNULL',
  })
  expect(await rejection(client.run('INSERT INTO posts VALUES (2, 9)'))).toMatchObject({
    code: 'SQLITE_CONSTRAINT_FOREIGNKEY',
  })
  const before = client.metrics.commit.commitCount
  await migrate(db, { migrationsFolder: second })
  await migrate(db, { migrationsFolder: first })
  expect(client.metrics.commit.commitCount - before).toBe(0)
})

const newest = (folder: string): string =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .at(-1) ?? ''

/** The same as drizzle-kit makes for bundlers. */
function bundled(folder: string): { journal: Journal; migrations: Record<string, string> } {
  const journal = JSON.parse(readFileSync(join(folder, 'meta', '_journal.json'), 'utf8')) as Journal
  const texts = journal.entries.map(({ idx, tag }) => [
    `m${String(idx).padStart(4, '0')}`,
    readFileSync(join(folder, `${tag}.sql`), 'utf8'),
  ])
  return { journal, migrations: Object.fromEntries(texts) }
}

test.each(['bundled', 'list'])('migrations in memory, as a %s, are the same as the folder', async (form) => {
  const client = await filled()
  const config =
    form === 'bundled' ? bundled(second) : { migrations: readMigrationFiles({ migrationsFolder: second }) }
  await migrate(drizzle(client), config)
  const other = await filled()
  await migrate(drizzle(other), { migrationsFolder: second })
  const table = 'SELECT hash, created_at FROM __drizzle_migrations ORDER BY created_at'
  expect(await client.values(table)).toEqual(await other.values(table))
  expect(await client.values('SELECT sql FROM sqlite_master')).toEqual(
    await other.values('SELECT sql FROM sqlite_master'),
  )
})

test('a migration that fails leaves all as it was', async () => {
  const client = await filled()
  const migrations = readMigrationFiles({ migrationsFolder: second })
  const broken = { sql: ['DELETE FROM users', 'SELECT nothing'], bps: true, folderMillis: 2 ** 42, hash: 'x' }
  const error = await rejection<DrizzleQueryError>(
    migrate(drizzle(client), { migrations: [...migrations, broken] }),
  )
  expect(error).toBeInstanceOf(DrizzleQueryError)
  expect(error).toMatchObject({ query: 'SELECT nothing', cause: { code: 'SQLITE_ERROR' } })
  expect([await applied(client), await client.pluck('SELECT count(*) FROM users')]).toEqual([1, 1])
  expect(await client.pragma('foreign_keys', { simple: true })).toBe(1)
  expect(client.inTransaction).toBe(false)
})

test('many at once apply them once', async () => {
  const client = await newDatabase()
  const db = drizzle(client)
  await Promise.all(Array.from({ length: 8 }, () => migrate(db, { migrationsFolder: second })))
  expect(await applied(client)).toBe(2)
})

test('the table may have another name', async () => {
  const client = await newDatabase()
  const db = drizzle(client)
  for (let times = 0; times < 2; times += 1) {
    await migrate(db, { migrationsFolder: second, migrationsTable: 'what "was" done' })
  }
  expect(await client.pluck('SELECT count(*) FROM "what ""was"" done"')).toBe(2)
})

test('what was applied by another driver of drizzle is known', async () => {
  const client = await newDatabase()
  // As drizzle-orm makes it.
  await client.exec(
    'CREATE TABLE "__drizzle_migrations" (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)',
  )
  for (const { hash, folderMillis } of readMigrationFiles({ migrationsFolder: first })) {
    await client.run(
      'INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)',
      hash,
      String(folderMillis),
    )
  }
  await client.exec('CREATE TABLE users (id, name); CREATE TABLE posts (id, author)')
  await migrate(drizzle(client), { migrationsFolder: second })
  expect(await applied(client)).toBe(2)
})

test('a transaction cannot be migrated', async () => {
  const client = await newDatabase()
  const error = await rejection(client.transaction((tx) => migrate(drizzle(tx), { migrationsFolder: first })))
  expect(error).toBeInstanceOf(TypeError)
})

test('a text that the journal names and nobody gave is missed', async () => {
  const { journal } = bundled(second)
  const error = await rejection(migrate(drizzle(await newDatabase()), { journal, migrations: {} }))
  expect(error.message).toContain('of the journal is missing')
})
