import { type ActorDatabase, drizzle } from 'actor-sqlite/drizzle'
import { relations, sql } from 'drizzle-orm'
import { Cache } from 'drizzle-orm/cache/core'
import { DrizzleQueryError, TransactionRollbackError } from 'drizzle-orm/errors'
import { asc, count, eq, gt, placeholder } from 'drizzle-orm/sql'
import { alias, blob, integer, real, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { DrizzleConfig } from 'drizzle-orm/utils'
import { expect, test } from 'vitest'
import { type Database, SqliteError } from '../../index.js'
import { newDatabase, rejection } from '../support.js'

const users = sqliteTable('users', {
  id: integer().primaryKey({ autoIncrement: true }),
  name: text().notNull().unique(),
  joined: integer({ mode: 'timestamp_ms' }),
  admin: integer({ mode: 'boolean' }).notNull().default(false),
  score: real(),
  avatar: blob({ mode: 'buffer' }),
  large: blob({ mode: 'bigint' }),
  settings: text({ mode: 'json' }).$type<{ readonly colour: string }>(),
})
const posts = sqliteTable('posts', {
  id: integer().primaryKey(),
  author: integer()
    .notNull()
    .references(() => users.id, { onDelete: 'cascade' }),
  title: text().notNull(),
})
const schema = {
  users,
  posts,
  usersRelations: relations(users, ({ many }) => ({ posts: many(posts) })),
  postsRelations: relations(posts, ({ one }) => ({
    writer: one(users, { fields: [posts.author], references: [users.id] }),
  })),
}

const TABLES = `
  CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, joined INTEGER, admin INTEGER NOT NULL DEFAULT 0,
    score REAL, avatar BLOB, large BLOB, settings TEXT
  );
  CREATE TABLE posts (id INTEGER PRIMARY KEY, author INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, title TEXT NOT NULL)
`

type Db = ActorDatabase<typeof schema> & { $client: Database }

async function newDb(config: Pick<DrizzleConfig, 'cache'> = {}): Promise<Db> {
  const client = await newDatabase()
  await client.exec(TABLES)
  return drizzle({ ...config, client, schema })
}

const names = async (db: Pick<Db, 'select'>) =>
  (await db.select({ name: users.name }).from(users).orderBy(asc(users.id))).map(({ name }) => name)

test('rows come back as they went in, in the types of the schema', async () => {
  const db = await newDb()
  const row = {
    name: 'Ada',
    joined: new Date(1_700_000_000_123),
    admin: true,
    score: 2,
    avatar: Buffer.from([0, 1, 255]),
    large: 2n ** 80n,
    settings: { colour: 'red' },
  }
  const result = await db.insert(users).values(row)
  expect(result).toEqual({ changes: 1, lastInsertRowid: 1 })
  const [found] = await db.select().from(users)
  expect(found).toEqual({ id: 1, ...row })
  expect(Buffer.isBuffer(found?.avatar)).toBe(true)
  expect(await db.update(users).set({ admin: false }).where(eq(users.id, 1)).returning()).toEqual([
    { id: 1, ...row, admin: false },
  ])
  expect(await db.select().from(users).where(eq(users.id, 2)).get()).toBeUndefined()
  expect(await db.delete(users)).toMatchObject({ changes: 1 })
  expect(db.$client.open).toBe(true)
})

test('joins, unions, subqueries and counts', async () => {
  const db = await newDb()
  await db.insert(users).values([{ name: 'Ada' }, { name: 'Bob' }, { name: 'Cy' }])
  await db.insert(posts).values([
    { author: 1, title: 'one' },
    { author: 1, title: 'two' },
    { author: 2, title: 'three' },
  ])
  const joined = await db.select().from(users).leftJoin(posts, eq(posts.author, users.id)).orderBy(users.id)
  expect(joined.map(({ users, posts }) => [users.name, posts?.title ?? null])).toEqual([
    ['Ada', 'one'],
    ['Ada', 'two'],
    ['Bob', 'three'],
    ['Cy', null],
  ])
  const other = alias(users, 'other')
  const pairs = await db
    .select({ left: users.name, right: other.name })
    .from(users)
    .innerJoin(other, gt(other.id, users.id))
  expect(pairs).toHaveLength(3)
  const many = db.$with('many').as(
    db
      .select({ author: posts.author, posts: count().as('posts') })
      .from(posts)
      .groupBy(posts.author),
  )
  expect(await db.with(many).select().from(many).where(gt(many.posts, 1))).toEqual([{ author: 1, posts: 2 }])
  expect(await db.$count(users, gt(users.id, 1))).toBe(2)
  const both = db
    .select({ x: users.name })
    .from(users)
    .where(eq(users.id, 3))
    .union(db.select({ x: posts.title }).from(posts))
  expect((await both).map(({ x }) => x).sort()).toEqual(['Cy', 'one', 'three', 'two'])
})

test('relational queries', async () => {
  const db = await newDb()
  await db.insert(users).values([{ name: 'Ada', settings: { colour: 'red' } }, { name: 'Bob' }])
  await db.insert(posts).values([
    { author: 1, title: 'one' },
    { author: 1, title: 'two' },
  ])
  const all = await db.query.users.findMany({
    columns: { name: true, settings: true },
    with: { posts: { columns: { title: true }, orderBy: (post, { desc }) => desc(post.id) } },
  })
  expect(all).toEqual([
    { name: 'Ada', settings: { colour: 'red' }, posts: [{ title: 'two' }, { title: 'one' }] },
    { name: 'Bob', settings: null, posts: [] },
  ])
  const first = await db.query.posts.findFirst({ with: { writer: { columns: { name: true } } } })
  expect(first).toEqual({ id: 1, author: 1, title: 'one', writer: { name: 'Ada' } })
  expect(await db.query.posts.findFirst({ where: eq(posts.id, 9) })).toBeUndefined()
})

test('prepared statements take placeholders', async () => {
  const db = await newDb()
  const insert = db
    .insert(users)
    .values({ name: placeholder('name') })
    .prepare()
  for (const name of ['Ada', 'Bob', 'Cy']) expect(await insert.run({ name })).toMatchObject({ changes: 1 })
  const byId = db
    .select({ name: users.name })
    .from(users)
    .where(eq(users.id, placeholder('id')))
    .prepare()
  expect(await byId.get({ id: 2 })).toEqual({ name: 'Bob' })
  expect(await byId.all({ id: 3 })).toEqual([{ name: 'Cy' }])
  expect(await byId.values({ id: 1 })).toEqual([['Ada']])
  expect(await byId.execute({ id: 4 })).toEqual([])
  const related = db.query.users.findMany({ where: eq(users.id, placeholder('id')) }).prepare()
  expect(await related.execute({ id: 1 })).toMatchObject([{ name: 'Ada' }])
})

test('raw queries of all kinds', async () => {
  const db = await newDb()
  expect(await db.run(sql`INSERT INTO users (name) VALUES (${'Ada'})`)).toEqual({
    changes: 1,
    lastInsertRowid: 1,
  })
  expect(await db.run(sql`INSERT INTO users (name) VALUES ('Bob') RETURNING id`)).toMatchObject({
    changes: 1,
  })
  expect(await db.run('SELECT 1')).toMatchObject({ changes: 0 })
  expect(await db.run(sql`PRAGMA journal_mode = WAL`)).toMatchObject({ changes: 0 })
  expect(await db.run(sql`PRAGMA foreign_keys = ON`)).toMatchObject({ changes: 0 })
  expect(await db.all(sql`SELECT id, name FROM users`)).toEqual([
    { id: 1, name: 'Ada' },
    { id: 2, name: 'Bob' },
  ])
  expect(await db.get(sql`SELECT id, name FROM users WHERE id = ${2}`)).toEqual({ id: 2, name: 'Bob' })
  expect(await db.get(sql`SELECT id FROM users WHERE id = 9`)).toBeUndefined()
  expect(await db.values('SELECT id, name FROM users')).toEqual([
    [1, 'Ada'],
    [2, 'Bob'],
  ])
  expect(await db.all(sql`UPDATE users SET score = 1`)).toEqual([])
  expect(
    await db.all(sql`WITH w AS (SELECT 'Cy' AS name) INSERT INTO users (name) SELECT name FROM w`),
  ).toEqual([])
  expect(await names(db)).toEqual(['Ada', 'Bob', 'Cy'])
})

test('a batch is one transaction, with a result of each query', async () => {
  const db = await newDb()
  const before = db.$client.metrics.commit.commitCount
  const results = await db.batch([
    db.insert(users).values({ name: 'Ada' }).returning({ id: users.id }),
    db.insert(users).values({ name: 'Bob' }),
    db.query.users.findMany({ columns: { name: true } }),
    db.query.users.findFirst({ columns: { id: true } }),
    db.select().from(posts),
    db.run(sql`DELETE FROM users WHERE id = 2`),
    db.all(sql`SELECT name FROM users`),
    db.get(sql`SELECT name FROM users`),
    db.values(sql`SELECT name FROM users`),
  ])
  expect(results).toEqual([
    [{ id: 1 }],
    { changes: 1, lastInsertRowid: 2 },
    [{ name: 'Ada' }, { name: 'Bob' }],
    { id: 1 },
    [],
    { changes: 1, lastInsertRowid: 2 },
    [{ name: 'Ada' }],
    { name: 'Ada' },
    [['Ada']],
  ])
  expect(db.$client.metrics.commit.commitCount - before).toBe(1)
  const error = await rejection(
    db.batch([db.delete(users), db.insert(users).values([{ name: 'x' }, { name: 'x' }])]),
  )
  expect(error).toMatchObject({ code: 'SQLITE_CONSTRAINT_UNIQUE', statementIndex: 1 })
  expect(await names(db)).toEqual(['Ada'])
})

test('a transaction commits or rolls back, and its parts alone', async () => {
  const db = await newDb()
  const result = await db.transaction(
    async (tx) => {
      await tx.insert(users).values({ name: 'Ada' })
      const undone = tx.transaction(async (inner) => {
        await inner.insert(users).values({ name: 'Bob' })
        await inner.transaction(async (innermost) => {
          await innermost.insert(users).values({ name: 'Cy' })
        })
        expect(await names(inner)).toEqual(['Ada', 'Bob', 'Cy'])
        inner.rollback()
      })
      expect(await rejection(undone)).toBeInstanceOf(TransactionRollbackError)
      await tx.transaction((inner) => inner.insert(users).values({ name: 'Dee' }))
      return await names(tx)
    },
    { behavior: 'immediate' },
  )
  expect(result).toEqual(['Ada', 'Dee'])
  const reason = new Error('changed my mind')
  const thrown = db.transaction(async (tx) => {
    await tx.delete(users)
    throw reason
  })
  expect(await rejection(thrown)).toBe(reason)
  expect(await rejection(db.transaction(async (tx) => tx.rollback()))).toBeInstanceOf(
    TransactionRollbackError,
  )
  expect(await names(db)).toEqual(['Ada', 'Dee'])
  expect(await db.transaction((tx) => tx.query.users.findFirst({ columns: { id: true } }))).toEqual({ id: 1 })
})

test('queries outside wait for a transaction, and from inside they are refused', async () => {
  const db = await newDb()
  const order: string[] = []
  const adding = db.transaction(async (tx) => {
    await tx.insert(users).values({ name: 'Ada' })
    const error = await rejection<DrizzleQueryError>(db.select().from(users).all())
    expect(error).toBeInstanceOf(DrizzleQueryError)
    expect(error.cause).toMatchObject({ code: 'ERR_REENTRY' })
    order.push('inside')
  })
  const outside = names(db).then((found) => order.push(`outside ${found}`))
  await Promise.all([adding, outside])
  expect(order).toEqual(['inside', 'outside Ada'])
})

test('errors are wrapped by drizzle, with ours as the cause', async () => {
  const db = await newDb()
  await db.insert(users).values({ name: 'Ada' })
  const error = await rejection<DrizzleQueryError>(db.insert(users).values({ name: 'Ada' }).run())
  expect(error).toBeInstanceOf(DrizzleQueryError)
  expect(error.query).toContain('insert into "users"')
  expect(error.cause).toBeInstanceOf(SqliteError)
  expect(error.cause).toMatchObject({ code: 'SQLITE_CONSTRAINT_UNIQUE' })
})

test('queries are logged, and names are cased', async () => {
  const logged: string[] = []
  const logger = { logQuery: (query: string, params: unknown[]) => logged.push(`${query} ${params}`) }
  const client = await newDatabase()
  await client.exec('CREATE TABLE people (first_name TEXT)')
  const people = sqliteTable('people', { firstName: text() })
  const db = drizzle(client, { logger, casing: 'snake_case' })
  await db.insert(people).values({ firstName: 'Ada' })
  await db.batch([db.select().from(people)])
  expect(logged).toEqual([
    'insert into "people" ("first_name") values (?) Ada',
    'select "first_name" from "people" ',
  ])
})

test('a cache is asked and told', async () => {
  const kept = new Map<string, unknown[]>()
  class Kept extends Cache {
    strategy() {
      return 'all' as const
    }
    async get(key: string) {
      return kept.get(key)
    }
    async put(key: string, rows: unknown[]) {
      kept.set(key, rows)
    }
    async onMutate() {
      kept.clear()
    }
  }
  const cache = new Kept()
  const db = await newDb({ cache })
  expect(db.$cache).toBe(cache)
  await db.insert(users).values({ name: 'Ada' })
  expect(await names(db)).toEqual(['Ada'])
  expect(kept.size).toBe(1)
  await db.$client.run("UPDATE users SET name = 'Bob'")
  expect(await names(db)).toEqual(['Ada'])
  await db.insert(users).values({ name: 'Cy' })
  expect(await names(db)).toEqual(['Bob', 'Cy'])
  await db.$cache.invalidate({ tables: users })
  expect(kept.size).toBe(0)
})

test('a transaction of the database itself can be given', async () => {
  const { $client: client } = await newDb()
  await client.transaction(async (own) => {
    const db = drizzle(own, { schema })
    await db.insert(users).values({ name: 'Ada' })
    await rejection(
      db.transaction(async (tx) => {
        await tx.insert(users).values({ name: 'Bob' })
        tx.rollback()
      }),
    )
    expect(await db.query.users.findMany({ columns: { name: true } })).toEqual([{ name: 'Ada' }])
  })
  expect(await client.pluck('SELECT count(*) FROM users')).toBe(1)
})

test.each([[undefined], ['a'], [{}], [{ client: 1 }]])('drizzle(%j) is refused', (given) => {
  expect(() => drizzle(given as never)).toThrow('needs a database or a transaction')
})
