import { type ActorDatabaseSync, drizzle } from 'actor-sqlite/drizzle'
import { migrate } from 'actor-sqlite/drizzle/migrator'
import { DrizzleQueryError, TransactionRollbackError } from 'drizzle-orm/errors'
import { relations } from 'drizzle-orm/relations'
import { asc, eq, placeholder, sql } from 'drizzle-orm/sql'
import { blob, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { expect, test } from 'vitest'
import type { DatabaseSync } from '../../index.js'
import { newSync, thrown } from '../sync/support.js'

const users = sqliteTable('users', {
  id: integer().primaryKey(),
  name: text().notNull().unique(),
  avatar: blob({ mode: 'buffer' }),
})
const posts = sqliteTable('posts', { id: integer().primaryKey(), author: integer().notNull(), title: text() })
const schema = {
  users,
  posts,
  usersRelations: relations(users, ({ many }) => ({ posts: many(posts) })),
  postsRelations: relations(posts, ({ one }) => ({
    writer: one(users, { fields: [posts.author], references: [users.id] }),
  })),
}

function newDb(): ActorDatabaseSync<typeof schema> & { $client: DatabaseSync } {
  const client = newSync()
  client.exec(`
    CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, avatar BLOB);
    CREATE TABLE posts (id INTEGER PRIMARY KEY, author INTEGER NOT NULL REFERENCES users, title TEXT)
  `)
  return drizzle({ client, schema })
}

const names = (db: Pick<ReturnType<typeof newDb>, 'select'>) =>
  db
    .select({ name: users.name })
    .from(users)
    .orderBy(asc(users.id))
    .all()
    .map(({ name }) => name)

test('queries return their results', () => {
  const db = newDb()
  expect(
    db
      .insert(users)
      .values({ name: 'Ada', avatar: Buffer.from([1]) })
      .run(),
  ).toEqual({
    changes: 1,
    lastInsertRowid: 1,
  })
  expect(db.insert(users).values({ name: 'Bob' }).returning().get()).toEqual({
    id: 2,
    name: 'Bob',
    avatar: null,
  })
  expect(db.select().from(users).where(eq(users.id, 1)).get()?.avatar).toEqual(Buffer.from([1]))
  expect(db.select().from(users).where(eq(users.id, 9)).get()).toBeUndefined()
  db.insert(posts).values({ author: 1, title: 'one' }).run()
  expect(db.select().from(users).leftJoin(posts, eq(posts.author, users.id)).all()).toMatchObject([
    { users: { name: 'Ada' }, posts: { title: 'one' } },
    { users: { name: 'Bob' }, posts: null },
  ])
  expect(db.query.users.findMany({ columns: { name: true }, with: { posts: true } }).sync()).toEqual([
    { name: 'Ada', posts: [{ id: 1, author: 1, title: 'one' }] },
    { name: 'Bob', posts: [] },
  ])
  expect(
    db.query.posts.findFirst({ with: { writer: { columns: { name: true } } } }).sync()?.writer.name,
  ).toBe('Ada')
})

test('they can be awaited, too', async () => {
  const db = newDb()
  await db.insert(users).values({ name: 'Ada' })
  expect(await db.select({ name: users.name }).from(users)).toEqual([{ name: 'Ada' }])
  expect(await db.$count(users)).toBe(1)
})

test('prepared and raw queries', () => {
  const db = newDb()
  const insert = db
    .insert(users)
    .values({ name: placeholder('name') })
    .prepare()
  for (const name of ['Ada', 'Bob']) insert.run({ name })
  const byId = db
    .select({ name: users.name })
    .from(users)
    .where(eq(users.id, placeholder('id')))
    .prepare()
  expect([byId.get({ id: 1 }), byId.all({ id: 2 }), byId.values({ id: 1 })]).toEqual([
    { name: 'Ada' },
    [{ name: 'Bob' }],
    [['Ada']],
  ])
  expect(db.all(sql`SELECT id FROM users`)).toEqual([{ id: 1 }, { id: 2 }])
  expect(db.get(sql`SELECT id FROM users WHERE id = ${2}`)).toEqual({ id: 2 })
  expect(db.values('SELECT id FROM users')).toEqual([[1], [2]])
  expect(db.run(sql`PRAGMA foreign_keys = ON`)).toMatchObject({ changes: 0 })
  expect(db.all(sql`UPDATE users SET name = name || '!'`)).toEqual([])
  expect(names(db)).toEqual(['Ada!', 'Bob!'])
})

test('a query is compiled once, and follows the schema', () => {
  const db = newDb()
  const compiled = () => db.$client.metrics.statements.prepared
  db.insert(users).values({ name: 'Ada' }).run()
  names(db)
  const before = compiled()
  for (let times = 0; times < 10; times += 1) expect(names(db)).toEqual(['Ada'])
  expect(db.select({ name: users.name }).from(users).orderBy(asc(users.id)).values()).toEqual([['Ada']])
  expect(compiled() - before).toBe(0)
  const all = () => db.all(sql`SELECT * FROM posts`)
  db.insert(posts).values({ author: 1 }).run()
  expect(all()).toEqual([{ id: 1, author: 1, title: null }])
  db.run(sql`ALTER TABLE posts ADD COLUMN likes DEFAULT 7`)
  expect(all()).toEqual([{ id: 1, author: 1, title: null, likes: 7 }])
  for (let many = 0; many < 300; many += 1) db.get(sql.raw(`SELECT ${many}`))
  expect(names(db)).toEqual(['Ada'])
})

test('a transaction commits or rolls back, and its parts alone', () => {
  const db = newDb()
  const result = db.transaction(
    (tx) => {
      tx.insert(users).values({ name: 'Ada' }).run()
      const undone = () =>
        tx.transaction((inner) => {
          inner.insert(users).values({ name: 'Bob' }).run()
          inner.rollback()
        })
      expect(thrown(undone)).toBeInstanceOf(TransactionRollbackError)
      tx.transaction((inner) => inner.insert(users).values({ name: 'Cy' }).run())
      return names(tx)
    },
    { behavior: 'immediate' },
  )
  expect(result).toEqual(['Ada', 'Cy'])
  expect(thrown(() => db.transaction((tx) => tx.rollback()))).toBeInstanceOf(TransactionRollbackError)
  expect(thrown(() => db.transaction(async () => 1))).toBeInstanceOf(TypeError)
  expect([names(db), db.$client.inTransaction]).toEqual([['Ada', 'Cy'], false])
})

test('errors are those of the database', () => {
  const db = newDb()
  db.insert(users).values({ name: 'Ada' }).run()
  expect(thrown(() => db.insert(users).values({ name: 'Ada' }).run())).toMatchObject({
    code: 'SQLITE_CONSTRAINT_UNIQUE',
  })
  expect(() => drizzle(db.$client, { cache: {} as never })).toThrow('takes no "cache"')
})

test('migrations are applied once, whole, and without foreign keys', () => {
  const db = newDb()
  db.$client.exec("INSERT INTO users VALUES (1, 'Ada', NULL); INSERT INTO posts VALUES (1, 1, 'one')")
  const rebuild = `
    CREATE TABLE made (id INTEGER PRIMARY KEY, name TEXT NOT NULL, avatar BLOB);
    INSERT INTO made SELECT * FROM users; DROP TABLE users; ALTER TABLE made RENAME TO users
  `
  const migrations = [{ sql: [rebuild, 'CREATE TABLE t (a)'], bps: true, folderMillis: 1, hash: 'x' }]
  for (let times = 0; times < 2; times += 1) migrate(db, { migrations })
  expect(db.values(sql`SELECT hash, created_at FROM __drizzle_migrations`)).toEqual([['x', 1]])
  expect(thrown(() => db.run(sql`INSERT INTO posts VALUES (2, 9, NULL)`))).toBeDefined()
  const broken = { sql: ['DELETE FROM posts', 'SELECT nothing'], bps: true, folderMillis: 2, hash: 'y' }
  const error = thrown(() => migrate(db, { migrations: [...migrations, broken] }))
  expect(error).toBeInstanceOf(DrizzleQueryError)
  expect(error).toMatchObject({ query: 'SELECT nothing', cause: { code: 'SQLITE_ERROR' } })
  expect(db.$client.pragma('foreign_keys', { simple: true })).toBe(1)
  expect(db.select().from(posts).all()).toHaveLength(1)
  const inside = db.$client.transaction(() => migrate(db, { migrations: [broken] }))
  expect(thrown(inside)).toBeInstanceOf(TypeError)
})
