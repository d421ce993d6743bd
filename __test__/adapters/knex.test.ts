/** The client class for knex. */

import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ActorSqlite, knexConfig } from 'actor-sqlite/knex'
import createKnex, { type Knex } from 'knex'
import { afterEach, describe, expect, test } from 'vitest'
import { type Database, openStorage } from '../../index.js'
import { newDatabase, rejection, sharedStorage, temporaryDirectory } from '../support.js'

const opened: Knex[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((knex) => knex.destroy()))
})

function open(connection: object, more: Knex.Config = {}): Knex {
  const knex = createKnex({
    client: ActorSqlite,
    connection: connection as Knex.StaticConnectionConfig,
    useNullAsDefault: true,
    ...more,
  })
  opened.push(knex)
  return knex
}

async function withTables(more: Knex.Config = {}): Promise<{ knex: Knex; database: Database }> {
  const database = await newDatabase()
  const knex = open({ database }, more)
  await knex.schema.createTable('author', (table) => {
    table.increments('id')
    table.string('name').notNullable().unique()
    table.boolean('active')
    table.dateTime('born')
    table.binary('face')
  })
  await knex.schema.createTable('post', (table) => {
    table.increments('id')
    table.integer('author_id').references('author.id').notNullable()
    table.text('title')
  })
  return { knex, database }
}

describe('queries', () => {
  test('insert, update and delete say what knex says of SQLite', async () => {
    const { knex } = await withTables()
    expect(await knex('author').insert({ name: 'ada' })).toEqual([1])
    expect(await knex('author').insert([{ name: 'bob' }, { name: 'cy' }])).toEqual([3])
    expect(await knex('author').update({ active: true })).toBe(3)
    expect(await knex('author').where('name', 'cy').del()).toBe(1)
    expect(await knex('author').insert({ name: 'dee' }).returning(['id', 'name'])).toEqual([
      { id: 4, name: 'dee' },
    ])
    expect(await knex('author').where({ id: 4 }).update({ name: 'di' }, ['name'])).toEqual([{ name: 'di' }])
    expect(await knex('author').pluck('name').orderBy('id')).toEqual(['ada', 'bob', 'di'])
    expect(await knex('author').count({ all: '*' }).first()).toEqual({ all: 3 })
    expect(await knex('author').where('id', 9).first()).toBeUndefined()
  })

  test('bind booleans as 0 and 1, dates as milliseconds; blobs come as buffers', async () => {
    const { knex, database } = await withTables()
    await knex('author').insert({ name: 'ada', active: true, born: new Date(5000), face: Buffer.from([1]) })
    await knex('author').insert({ name: 'bob' })
    expect(await database.values('SELECT active, born, face FROM author ORDER BY id')).toEqual([
      [1, 5000, Uint8Array.of(1)],
      [null, null, null],
    ])
    const row = await knex('author')
      .where({ born: new Date(5000), active: true })
      .first()
    expect(Buffer.isBuffer(row.face)).toBe(true)
    expect(row).toMatchObject({ name: 'ada', face: Buffer.from([1]) })
  })

  test('join, and insert in batches', async () => {
    const { knex } = await withTables()
    await knex('author').insert([{ name: 'ada' }, { name: 'bob' }])
    const posts = Array.from({ length: 50 }, (_, index) => ({
      author_id: 1 + (index % 2),
      title: `t${index}`,
    }))
    await knex.batchInsert('post', posts, 7)
    const rows = await knex('post')
      .join('author', 'author.id', 'post.author_id')
      .groupBy('author.id')
      .select('name')
      .count({ posts: '*' })
      .orderBy('name')
    expect(rows).toEqual([
      { name: 'ada', posts: 25 },
      { name: 'bob', posts: 25 },
    ])
  })

  test('in SQL text give rows or counts', async () => {
    const { knex } = await withTables()
    expect(await knex.raw('SELECT ? AS a, :b AS b', [1]).catch((error) => error)).toBeInstanceOf(Error)
    expect(await knex.raw('SELECT ? AS a', [1])).toEqual([{ a: 1 }])
    expect(await knex.raw('SELECT :b AS b', { b: 2 })).toEqual([{ b: 2 }])
    expect(await knex.raw("INSERT INTO author (name) VALUES ('a')")).toEqual({
      changes: 1,
      lastInsertRowid: 1,
    })
  })

  test('fail with the codes of SQLite', async () => {
    const { knex } = await withTables()
    await knex('author').insert({ name: 'ada' })
    const unique = await rejection(Promise.resolve(knex('author').insert({ name: 'ada' })))
    expect(unique).toMatchObject({ code: 'SQLITE_CONSTRAINT_UNIQUE' })
    expect(unique.message).toContain('UNIQUE constraint failed: author.name')
    expect(await rejection(Promise.resolve(knex('post').insert({ author_id: 9 })))).toMatchObject({
      code: 'SQLITE_CONSTRAINT_FOREIGNKEY',
    })
  })

  test('give bigints where that is asked for', async () => {
    const { database } = await withTables()
    const knex = open({ database, options: { safeIntegers: true } })
    expect(await knex('author').insert({ name: 'ada' })).toEqual([1n])
    expect(await knex('author').select('id')).toEqual([{ id: 1n }])
    expect(await knex('author').select('id').options({ safeIntegers: false })).toEqual([{ id: 1 }])
  })

  test('are cancelled when their time is over', async () => {
    const { knex } = await withTables()
    const endless = 'WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c'
    const late = Promise.resolve(knex.raw(endless).timeout(50, { cancel: true }))
    expect(await rejection(late)).toMatchObject({ name: 'KnexTimeoutError' })
    expect(await knex.raw('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})

describe('transactions', () => {
  const names = (knex: Knex) => knex('author').pluck('name').orderBy('id')

  test('commit, roll back, and nest', async () => {
    const { knex } = await withTables()
    await knex.transaction(async (trx) => {
      await trx('author').insert({ name: 'ada' })
      const inner = trx.transaction(async (nested) => {
        await nested('author').insert({ name: 'bob' })
        throw new Error('only the inner one')
      })
      expect((await rejection(inner)).message).toBe('only the inner one')
      await trx.transaction((nested) => nested('author').insert({ name: 'cy' }))
    })
    const failed = knex.transaction(async (trx) => {
      await trx('author').insert({ name: 'dee' })
      throw new Error('no')
    })
    expect((await rejection(failed)).message).toBe('no')
    expect(await names(knex)).toEqual(['ada', 'cy'])
  })

  test('own the database until they end', async () => {
    const { knex, database } = await withTables()
    const trx = await knex.transaction()
    await trx('author').insert({ name: 'ada' })
    const seen: unknown[] = []
    const beside = [
      names(knex).then((it) => seen.push(it)),
      database.pluck('SELECT count(*) FROM author').then((it) => seen.push(it)),
    ]
    await trx('author').insert({ name: 'bob' })
    expect(seen).toEqual([])
    await trx.commit()
    await Promise.all(beside)
    expect(seen).toHaveLength(2)
    expect(seen).toContainEqual(['ada', 'bob'])
    expect(seen).toContainEqual(2)
    expect(database.inTransaction).toBe(false)
  })

  test('are rolled back by hand, by SQLite, and by SQL text', async () => {
    const { knex, database } = await withTables()
    const trx = await knex.transaction()
    await trx('author').insert({ name: 'ada' })
    await trx.rollback()
    const ended = knex.transaction(async (it) => {
      await it('author').insert({ name: 'bob' })
      await it.raw("INSERT OR ROLLBACK INTO author (name) VALUES ('bob')")
    })
    expect(await rejection(ended)).toMatchObject({ code: 'SQLITE_CONSTRAINT_UNIQUE' })
    await knex.raw('BEGIN IMMEDIATE')
    await knex('author').insert({ name: 'cy' })
    expect(database.inTransaction).toBe(true)
    await knex.raw('rollback transaction;')
    expect(database.inTransaction).toBe(false)
    expect(await names(knex)).toEqual([])
  })

  test('that are open when knex is destroyed are rolled back', async () => {
    const { knex, database } = await withTables()
    await knex.raw('BEGIN')
    await knex('author').insert({ name: 'ada' })
    await knex.destroy()
    expect(await database.pluck('SELECT count(*) FROM author')).toBe(0)
  })
})

describe('the schema', () => {
  test('is changed and asked for', async () => {
    const { knex } = await withTables()
    await knex('author').insert({ name: 'ada' })
    await knex('post').insert({ author_id: 1, title: 'first' })
    await knex.schema.alterTable('post', (table) => {
      table.string('language').defaultTo('en')
      table.index(['title'])
    })
    // Knex rebuilds the table for these, without foreign keys enforced.
    await knex.schema.alterTable('author', (table) => {
      table.string('name', 20).nullable().alter()
      table.dropColumn('born')
    })
    expect(await knex.schema.hasTable('post')).toBe(true)
    expect(await knex.schema.hasColumn('author', 'born')).toBe(false)
    expect(Object.keys(await knex('post').columnInfo())).toEqual(['id', 'author_id', 'title', 'language'])
    expect(await knex('post').first()).toMatchObject({ title: 'first', language: 'en' })
    expect(await knex.raw('PRAGMA foreign_keys')).toEqual([{ foreign_keys: 1 }])
    await knex.schema.renameTable('post', 'article')
    await knex.schema.dropTableIfExists('post')
    expect(await knex('article').pluck('title')).toEqual(['first'])
  })

  test('migrates, up and down', async () => {
    const { knex } = await withTables()
    const migrations: Record<string, Knex.Migration> = {
      one: {
        up: (it) => it.schema.createTable('extra', (table) => table.increments()),
        down: (it) => it.schema.dropTable('extra'),
      },
      two: {
        up: (it) => it.schema.alterTable('extra', (table) => table.string('name')),
        down: (it) => it.schema.alterTable('extra', (table) => table.dropColumn('name')),
      },
    }
    const migrationSource: Knex.MigrationSource<string> = {
      getMigrations: async () => Object.keys(migrations),
      getMigrationName: (name) => name,
      getMigration: async (name) => migrations[name] as Knex.Migration,
    }
    const [batch, applied] = await knex.migrate.latest({ migrationSource })
    expect([batch, applied]).toEqual([1, ['one', 'two']])
    expect(await knex.schema.hasColumn('extra', 'name')).toBe(true)
    await knex.migrate.rollback({ migrationSource })
    expect(await knex.schema.hasTable('extra')).toBe(false)
  })
})

describe('streams', () => {
  test('give rows as they are taken, and stop when they are left', async () => {
    const { knex, database } = await withTables()
    const endless = 'WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c) SELECT n FROM c'
    let sum = 0
    for await (const { n } of knex.raw(endless).stream() as AsyncIterable<{ n: number }>) {
      sum += n
      if (n === 1000) break
    }
    expect(sum).toBe(500500)
    await database.exec('DROP TABLE post')
    expect(await knex.raw('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('go through pipelines, in transactions too', async () => {
    const { knex } = await withTables()
    const seen: string[] = []
    const sink = () =>
      new Writable({
        objectMode: true,
        highWaterMark: 1,
        write: ({ name }: { name: string }, _, done) => {
          seen.push(name)
          setImmediate(done)
        },
      })
    await knex.transaction(async (trx) => {
      await trx('author').insert(['a', 'b', 'c'].map((name) => ({ name })))
      await pipeline(trx('author').select('name').orderBy('id').stream(), sink())
    })
    await pipeline(knex('author').select('name').orderBy('id').stream(), sink())
    expect(seen).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
  })

  test('fail where the statement fails', async () => {
    const { knex } = await withTables()
    const failed = pipeline(knex('nothing').stream(), new Writable({ objectMode: true, write: () => {} }))
    expect(await rejection(failed)).toMatchObject({ code: 'SQLITE_ERROR' })
    expect(await knex.raw('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})

describe('the connection', () => {
  test('opens an actor of a storage at the first query, and closes it', async () => {
    const storage = await sharedStorage()
    const knex = open({ storage, actor: 'knex-actor' }, { pool: { min: 2, max: 10 } })
    const both = await Promise.all([knex.raw('SELECT 1 AS it'), knex.raw('SELECT 2 AS it')])
    expect(both).toEqual([[{ it: 1 }], [{ it: 2 }]])
    await knex.destroy()
    // It could not be closed before: nobody else had it.
    const database = await storage.open('knex-actor')
    expect(await database.pluck('SELECT 1')).toBe(1)
    await database.close()
  })

  test('takes a directory, and a function', async () => {
    const store = join(temporaryDirectory(), 'store')
    const connection = () => ({ storage: store, actor: 'a', open: { pageSize: 8192 } })
    const knex = open(connection as unknown as object)
    await knex.schema.createTable('t', (table) => table.increments())
    await knex.destroy()
    const storage = await openStorage({ store })
    expect((await storage.stat('a'))?.pageSize).toBe(8192)
    await storage.close()
  })

  test('leaves a database open that it was given', async () => {
    const { knex, database } = await withTables()
    await knex.destroy()
    expect(await database.pluck('SELECT count(*) FROM author')).toBe(0)
  })

  test('is configured with types', async () => {
    const database = await newDatabase()
    const knex = createKnex(knexConfig({ database, options: { safeIntegers: true } }, { debug: false }))
    opened.push(knex)
    expect(await knex.raw('SELECT 1 AS one')).toEqual([{ one: 1n }])
    expect(knex.client.valueForUndefined).toBeNull()
    expect(knex.client.config.connection.database).toBe(database)
  })

  test('says what it wants', async () => {
    const log = { warn: () => {} }
    const knex = open({ filename: ':memory:' }, { log })
    const failed = Promise.resolve(knex.raw('SELECT 1'))
    expect((await rejection(failed)).message).toContain('{ database } or { actor, storage }')
  })
})
