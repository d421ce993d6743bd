/** The types of `actor-sqlite/drizzle`. */

import { eq, relations } from 'drizzle-orm'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { expectTypeOf, test } from 'vitest'
import type { Database, DatabaseSync, RunResult, Transaction } from '../../index.js'
import { drizzle } from '../../lib/drizzle/index.js'
import { migrate } from '../../lib/drizzle/migrator.js'

const users = sqliteTable('users', { id: integer().primaryKey(), name: text().notNull() })
const posts = sqliteTable('posts', { id: integer().primaryKey(), author: integer().notNull() })
const schema = {
  users,
  posts,
  of: relations(posts, ({ one }) => ({ by: one(users, { fields: [posts.author], references: [users.id] }) })),
}

/** Looked at by the compiler, and not run. */
async function asynchronous(client: Database, own: Transaction): Promise<void> {
  const db = drizzle({ client, schema })
  expectTypeOf(db.$client).toEqualTypeOf<Database>()
  expectTypeOf(await db.select().from(users)).toEqualTypeOf<{ id: number; name: string }[]>()
  expectTypeOf(await db.insert(users).values({ name: 'Ada' })).toEqualTypeOf<RunResult>()
  const found = await db.query.posts.findFirst({ with: { by: true } })
  expectTypeOf(found?.by.name).toEqualTypeOf<string | undefined>()
  const [changed, rows] = await db.batch([db.delete(users).where(eq(users.id, 1)), db.select().from(posts)])
  expectTypeOf(changed).toEqualTypeOf<RunResult>()
  expectTypeOf(rows).toEqualTypeOf<{ id: number; author: number }[]>()
  expectTypeOf(await db.transaction(async (tx) => (await tx.query.users.findMany()).length)).toBeNumber()
  expectTypeOf(migrate(db, { migrationsFolder: 'x' })).toEqualTypeOf<Promise<void>>()
  expectTypeOf(drizzle(client, { logger: true }).$client).toEqualTypeOf<Database>()
  expectTypeOf(drizzle(own).$client).toEqualTypeOf<Transaction>()
  // @ts-expect-error: a folder, a journal or a list
  await migrate(db, {})
  // @ts-expect-error: no database
  drizzle({ schema })
}

function synchronous(client: DatabaseSync): void {
  const db = drizzle({ client, schema })
  expectTypeOf(db.$client).toEqualTypeOf<DatabaseSync>()
  expectTypeOf(db.select().from(users).all()).toEqualTypeOf<{ id: number; name: string }[]>()
  expectTypeOf(db.insert(users).values({ name: 'Ada' }).run()).toEqualTypeOf<RunResult>()
  expectTypeOf(db.transaction((tx) => tx.select().from(users).all().length)).toBeNumber()
  expectTypeOf(migrate(db, { migrations: [] })).toEqualTypeOf<void>()
  expectTypeOf(drizzle(client).$client).toEqualTypeOf<DatabaseSync>()
}

test('queries have the types of the schema', () => {
  expectTypeOf(asynchronous).toBeFunction()
  expectTypeOf(synchronous).toBeFunction()
})
