/** The dialect for kysely. */

import { ActorSqliteDialect } from 'actor-sqlite/kysely'
import {
  type CompiledQuery,
  type Generated,
  Kysely,
  type KyselyConfig,
  type Migration,
  Migrator,
  type QueryResult,
  sql,
} from 'kysely'
import { afterEach, describe, expect, test } from 'vitest'
import type { Database, DatabaseOptions } from '../../index.js'
import { newDatabase, rejection } from '../support.js'

interface Schema {
  note: { id: Generated<number>; text: string | null; body: Uint8Array | null }
  tag: { note: number; name: string }
}

const opened: Kysely<Schema>[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((db) => db.destroy()))
})

async function open(
  options: DatabaseOptions = {},
  config: Partial<KyselyConfig> = {},
): Promise<{ db: Kysely<Schema>; database: Database }> {
  const database = await newDatabase(options)
  const db = new Kysely<Schema>({ ...config, dialect: new ActorSqliteDialect({ database }) })
  opened.push(db)
  await database.exec(`
    CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT, body BLOB);
    CREATE TABLE tag (note INTEGER NOT NULL REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED, name TEXT);
  `)
  return { db, database }
}

const insert = (db: Kysely<Schema>, text: string) => db.insertInto('note').values({ text }).execute()
const texts = async (db: Kysely<Schema>) =>
  (await db.selectFrom('note').select('text').orderBy('id').execute()).map(({ text }) => text)

describe('queries', () => {
  test('say what they changed', async () => {
    const { db } = await open()
    const inserted = await db
      .insertInto('note')
      .values([{ text: 'a' }, { text: 'b' }])
      .executeTakeFirst()
    expect(inserted).toMatchObject({ insertId: 2n, numInsertedOrUpdatedRows: 2n })
    const updated = await db.updateTable('note').set({ text: 'c' }).executeTakeFirst()
    expect(updated.numUpdatedRows).toBe(2n)
    const deleted = await db.deleteFrom('note').where('id', '=', 1).executeTakeFirst()
    expect(deleted.numDeletedRows).toBe(1n)
  })

  test('give rows, of RETURNING too', async () => {
    const { db } = await open()
    const row = await db.insertInto('note').values({ text: 'a' }).returningAll().executeTakeFirstOrThrow()
    expect(row).toEqual({ id: 1, text: 'a', body: null })
    expect(await db.selectFrom('note').selectAll().execute()).toEqual([row])
  })

  test('in SQL text of any kind give rows or counts', async () => {
    const { db } = await open()
    expect((await sql`PRAGMA user_version = 7`.execute(db)).rows).toEqual([])
    expect((await sql`PRAGMA user_version`.execute(db)).rows).toEqual([{ user_version: 7 }])
    expect((await sql`/* a */ SELECT 1 AS one`.execute(db)).rows).toEqual([{ one: 1 }])
    const insertion = await sql`WITH t(x) AS (VALUES ('a')) INSERT INTO note (text) SELECT x FROM t`.execute(
      db,
    )
    expect(insertion).toMatchObject({ numAffectedRows: 1n, insertId: 1n, rows: [] })
    // Not the keyword, and taken for it: nothing is lost, and nothing runs twice.
    await sql`INSERT INTO note (text) VALUES ('returning')`.execute(db)
    expect(await texts(db)).toEqual(['a', 'returning'])
  })

  test('give blobs as buffers', async () => {
    const { db } = await open()
    await db
      .insertInto('note')
      .values({ body: Uint8Array.of(1, 2) })
      .execute()
    const { body } = await db.selectFrom('note').select('body').executeTakeFirstOrThrow()
    expect(Buffer.isBuffer(body)).toBe(true)
    expect(body).toEqual(Buffer.from([1, 2]))
  })

  test('fail with the errors of SQLite, at the line that awaits', async () => {
    const { db } = await open()
    const error = await rejection(
      db
        .selectFrom('nothing' as 'note')
        .selectAll()
        .execute(),
    )
    expect(error).toMatchObject({ name: 'SqliteError', message: 'no such table: nothing' })
    expect(error.stack).toContain('kysely.test')
  })

  test('are logged, and so are the ends of transactions', async () => {
    const log: string[] = []
    const { db } = await open({}, { log: ({ query }) => void log.push(query.sql) })
    await db.transaction().execute((trx) => insert(trx as Kysely<Schema>, 'a'))
    expect(log).toEqual(['begin', 'insert into "note" ("text") values (?)', 'commit'])
  })
})

describe('the connection', () => {
  test('is opened once, at the first query', async () => {
    let calls = 0
    const setup: string[] = []
    const db = new Kysely<Schema>({
      dialect: new ActorSqliteDialect({
        database: () => {
          calls += 1
          return newDatabase()
        },
        onCreateConnection: async (connection) => {
          const query: CompiledQuery = sql`SELECT 'made' AS it`.compile(db)
          const { rows } = await connection.executeQuery<{ it: string }>(query)
          setup.push(...rows.map(({ it }) => it))
        },
      }),
    })
    opened.push(db)
    expect(calls).toBe(0)
    await Promise.all([sql`SELECT 1`.execute(db), sql`SELECT 2`.execute(db)])
    expect([calls, setup]).toEqual([1, ['made']])
  })

  test('is closed by destroy()', async () => {
    const { db, database } = await open()
    await sql`SELECT 1`.execute(db)
    await db.destroy()
    expect(database.open).toBe(false)
  })

  test('is of one user at a time', async () => {
    const { db } = await open()
    const order: string[] = []
    const pinned = db.connection().execute(async (own) => {
      await insert(own, 'a')
      order.push('pinned')
      await sql`SELECT 1`.execute(own)
      order.push('pinned')
    })
    const other = insert(db, 'b').then(() => order.push('other'))
    await Promise.all([pinned, other])
    expect(order).toEqual(['pinned', 'pinned', 'other'])
    expect(await texts(db)).toEqual(['a', 'b'])
  })
})

describe('transactions', () => {
  test('commit, and roll back', async () => {
    const { db } = await open()
    expect(await db.transaction().execute((trx) => insert(trx, 'a').then(() => 'done'))).toBe('done')
    const failed = db.transaction().execute(async (trx) => {
      await insert(trx, 'b')
      throw new Error('no')
    })
    expect((await rejection(failed)).message).toBe('no')
    expect(await texts(db)).toEqual(['a'])
  })

  test('own the database: queries of kysely and calls beside it wait', async () => {
    const { db, database } = await open()
    const seen: unknown[] = []
    const trx = await db.startTransaction().execute()
    await insert(trx, 'a')
    const beside = [
      texts(db).then((it) => seen.push(it)),
      database.pluck('SELECT count(*) FROM note').then((it) => seen.push(it)),
      db.transaction().execute((it) => insert(it, 'c')),
    ]
    await insert(trx, 'b')
    expect(seen).toEqual([])
    await trx.commit().execute()
    await Promise.all(beside)
    expect(seen).toContainEqual(2)
    expect(await texts(db)).toEqual(['a', 'b', 'c'])
  })

  test('have savepoints by name', async () => {
    const { db } = await open()
    const trx = await db.startTransaction().execute()
    await insert(trx, 'a')
    const saved = await trx.savepoint('odd "name"').execute()
    await insert(saved, 'b')
    const back = await saved.rollbackToSavepoint('odd "name"').execute()
    await insert(back, 'c')
    await (await back.releaseSavepoint('odd "name"').execute()).commit().execute()
    expect(await texts(db)).toEqual(['a', 'c'])
  })

  test('that cannot commit are rolled back, and leave the connection usable', async () => {
    const { db } = await open()
    const failed = db
      .transaction()
      .execute((trx) => trx.insertInto('tag').values({ note: 9, name: 'x' }).execute())
    expect(await rejection(failed)).toMatchObject({ code: 'SQLITE_CONSTRAINT_FOREIGNKEY' })
    expect(await db.selectFrom('tag').selectAll().execute()).toEqual([])
    await insert(db, 'a')
  })

  test('that SQLite ended fail with the first error, and not with that of the rollback', async () => {
    const { db } = await open()
    await insert(db, 'a')
    const failed = db.transaction().execute(async (trx) => {
      await insert(trx, 'b')
      await sql`INSERT OR ROLLBACK INTO note (id) VALUES (1)`.execute(trx)
    })
    expect(await rejection(failed)).toMatchObject({ code: 'SQLITE_CONSTRAINT_PRIMARYKEY' })
    expect(await texts(db)).toEqual(['a'])
  })

  test('whose time is over are rolled back, and say so', async () => {
    const { db, database } = await open({ transactionTimeoutMs: 200 })
    const trx = await db.startTransaction().execute()
    await insert(trx, 'a')
    while (database.inTransaction) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await rejection(trx.commit().execute())).toMatchObject({ code: 'ERR_TIMEOUT' })
    // Kysely keeps the connection until then.
    await trx.rollback().execute()
    expect(await texts(db)).toEqual([])
  })

  test('of any isolation level run one after another; those that are read only refuse to write', async () => {
    const { db } = await open()
    await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute((trx) => insert(trx, 'a'))
    const readonly = () => db.transaction().setAccessMode('read only')
    expect(await readonly().execute((trx) => texts(trx))).toEqual(['a'])
    expect(await rejection(readonly().execute((trx) => insert(trx, 'b')))).toMatchObject({
      code: 'SQLITE_READONLY',
    })
    await insert(db, 'c')
    expect(await texts(db)).toEqual(['a', 'c'])
  })
})

describe('streams', () => {
  const numbers = sql<{ n: number }>`
    WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c LIMIT 100000) SELECT n FROM c`

  const chunks = async (db: Kysely<Schema>, size: number, end: number): Promise<number[]> => {
    const driver = new ActorSqliteDialect({ database: newDatabase }).createDriver()
    await driver.init()
    const connection = await driver.acquireConnection()
    const sizes: number[] = []
    const stream = connection.streamQuery(numbers.compile(db), size) as AsyncIterableIterator<
      QueryResult<unknown>
    >
    for await (const { rows } of stream) if (sizes.push(rows.length) === end) break
    await driver.destroy()
    return sizes
  }

  test('come in chunks of the size that is asked for', async () => {
    const { db } = await open()
    expect(await chunks(db, 7, 3)).toEqual([7, 7, 7])
    expect(await chunks(db, 60000, -1)).toEqual([60000, 40000])
  })

  test('that are left early hold nothing', async () => {
    const { db, database } = await open()
    await Promise.all(['a', 'b', 'c'].map((text) => insert(db, text)))
    const seen: unknown[] = []
    for await (const { text } of db.selectFrom('note').select('text').stream(1)) {
      seen.push(text)
      break
    }
    expect(seen).toHaveLength(1)
    // An open result would refuse it.
    await database.exec('DROP TABLE note')
  })

  test('run in transactions', async () => {
    const { db } = await open()
    await db.transaction().execute(async (trx) => {
      await insert(trx, 'a')
      const seen: unknown[] = []
      for await (const row of trx.selectFrom('note').selectAll().stream()) seen.push(row.text)
      expect(seen).toEqual(['a'])
    })
  })
})

describe('signals, as newer versions of kysely pass them', () => {
  const endless = sql`WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c`

  test('a query is interrupted by cancelQuery()', async () => {
    const { db, database } = await open()
    const driver = new ActorSqliteDialect({ database }).createDriver()
    await driver.init()
    const connection = (await driver.acquireConnection()) as Awaited<
      ReturnType<typeof driver.acquireConnection>
    > & { executeQuery(query: CompiledQuery, options: { signal: AbortSignal }): Promise<unknown> } & {
      cancelQuery(): Promise<void>
    }
    const running = connection.executeQuery(endless.compile(db), { signal: new AbortController().signal })
    await connection.cancelQuery()
    expect(await rejection(running)).toMatchObject({ name: 'AbortError' })
    const gone = connection.executeQuery(endless.compile(db), {
      signal: AbortSignal.abort(new Error('gone')),
    })
    expect((await rejection(gone)).message).toBe('gone')
    expect((await sql`SELECT 1 AS one`.execute(db)).rows).toEqual([{ one: 1 }])
  })

  test('a stream is interrupted by its signal', async () => {
    const { db, database } = await open()
    const driver = new ActorSqliteDialect({ database }).createDriver()
    await driver.init()
    const connection = await driver.acquireConnection()
    const stop = new AbortController()
    const stream = (
      connection.streamQuery as (
        query: CompiledQuery,
        size: number,
        options: { signal: AbortSignal },
      ) => AsyncIterableIterator<unknown>
    ).call(connection, endless.compile(db), 10, { signal: stop.signal })
    const next = stream.next()
    setTimeout(() => stop.abort(new Error('enough')), 20)
    expect((await rejection(next)).message).toBe('enough')
    expect((await sql`SELECT 1 AS one`.execute(db)).rows).toEqual([{ one: 1 }])
  })
})

test('migrations run up and down', async () => {
  const { db } = await open()
  const migrations: Record<string, Migration> = {
    '1': {
      up: (it) =>
        it.schema
          .createTable('person')
          .addColumn('id', 'integer', (c) => c.primaryKey())
          .execute(),
      down: (it) => it.schema.dropTable('person').execute(),
    },
    '2': {
      up: (it) => it.schema.alterTable('person').addColumn('name', 'text').execute(),
      down: (it) => it.schema.alterTable('person').dropColumn('name').execute(),
    },
  }
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const up = await migrator.migrateToLatest()
  expect([up.error, up.results?.map(({ status }) => status)]).toEqual([undefined, ['Success', 'Success']])
  const tables = await db.introspection.getTables()
  const person = tables.find(({ name }) => name === 'person')
  expect(person?.columns.map(({ name, dataType }) => [name, dataType.toLowerCase()])).toEqual([
    ['id', 'integer'],
    ['name', 'text'],
  ])
  expect((await migrator.migrateTo('1')).error).toBeUndefined()
  expect((await migrator.migrateDown()).error).toBeUndefined()
  expect((await db.introspection.getTables()).map(({ name }) => name)).not.toContain('person')
})
