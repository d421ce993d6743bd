/** The same calls on @libsql/client with a file and on ours give the same. */

import { join } from 'node:path'
import type { Client, IntMode, ResultSet, LibsqlError as TheirError } from '@libsql/client'
import { createClient as createTheirs } from '@libsql/client'
import { createClient, LibsqlBatchError, LibsqlError } from 'actor-sqlite/libsql'
import { drizzle } from 'drizzle-orm/libsql'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { expect, test } from 'vitest'
import { newDatabase, rejection, sharedStorage, temporaryDirectory } from '../support.js'

const directory = temporaryDirectory()
let made = 0

async function clients(intMode: IntMode = 'number'): Promise<{ theirs: Client; ours: Client }> {
  made += 1
  const theirs = createTheirs({ url: `file:${join(directory, `${made}.db`)}`, intMode })
  const ours = createClient({ url: `actor:libsql-${made}`, store: await sharedStorage(), intMode })
  return { theirs, ours }
}

/** What can be seen of a result, and all of it. */
function seen(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(seen)
  if (value === null || typeof value !== 'object' || !('columnTypes' in value)) return value
  const { columns, columnTypes, rows, rowsAffected, lastInsertRowid } = value as ResultSet
  const described = rows.map((row) => Object.getOwnPropertyDescriptors(row))
  const json = JSON.stringify(value)
  return { columns, columnTypes, rows: described, rowsAffected, lastInsertRowid, json }
}

/** What came of a call: its result, or all that can be told of an error. */
async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    return seen(await call)
  } catch (thrown) {
    const error = thrown as TheirError & { statementIndex?: number }
    const { name, code, extendedCode, rawCode, statementIndex } = error
    // Of a batch they say the code twice.
    const message = error.message.replace(/^(\w+): \1: /, '$1: ')
    return { name, message, code, extendedCode, rawCode, statementIndex }
  }
}

type Script = (client: Client, note: (call: Promise<unknown>) => Promise<unknown>) => Promise<unknown>

/** Runs a script on both and compares every call it notes. */
async function compare(script: Script, intMode?: IntMode): Promise<void> {
  const { theirs, ours } = await clients(intMode)
  const notes: unknown[][] = []
  for (const client of [theirs, ours]) {
    const noted: unknown[] = []
    notes.push(noted)
    await script(client, async (call) => {
      const came = await outcome(call)
      noted.push(came)
      return came
    })
    client.close()
  }
  expect(notes[0]?.length).toBeGreaterThan(0)
  expect(notes[1]).toEqual(notes[0])
}

const TABLE = 'CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT UNIQUE, c REAL, d BLOB, e)'

test.each(['number', 'bigint', 'string'] as const)('values come out the same with intMode %s', (mode) =>
  compare(async (client, note) => {
    await note(client.execute(TABLE))
    const args = [1, 'text', 1.5, new Uint8Array([1, 2, 3]).subarray(1), null]
    await note(client.execute({ sql: 'INSERT INTO t VALUES (?, ?, ?, ?, ?)', args }))
    await note(client.execute('INSERT INTO t VALUES (?, ?, ?, ?, ?)', [2n, 'x', 2, new ArrayBuffer(3), true]))
    await note(
      client.execute('INSERT INTO t VALUES (?, ?, ?, ?, ?)', [3, null, null, null, new Date(86400000)]),
    )
    await note(client.execute('SELECT * FROM t ORDER BY a'))
    await note(client.execute('SELECT a AS x, b AS x, a + 1, typeof(e), 7 AS length, 8 AS "0" FROM t'))
    await note(client.execute('SELECT 9007199254740991 AS most, -9007199254740991 AS least'))
    await note(client.execute('SELECT 9007199254740992'))
    await note(client.execute('SELECT -9223372036854775807 - 1 AS least'))
    await note(client.execute('SELECT ? / 2 AS half, typeof(?) AS type', [5, 5]))
    await note(client.execute('UPDATE t SET b = NULL'))
    await note(client.execute('DELETE FROM t WHERE a > 1'))
    await note(client.execute('INSERT INTO t (b) VALUES (9) RETURNING a, b'))
    await note(client.execute('SELECT * FROM t WHERE a = 100'))
    await note(client.execute('SELECT 1 AS "__proto__"'))
  }, mode),
)

test('named arguments go with and without prefix', () =>
  compare(async (client, note) => {
    for (const name of ['a', ':a', '@a', '$a']) {
      for (const prefix of [':', '@', '$']) {
        await note(client.execute({ sql: `SELECT ${prefix}a AS a`, args: { [name]: 'x' } }))
      }
    }
    await note(client.execute({ sql: 'SELECT ?2, ?1', args: ['x', 'y'] }))
  }))

test('arguments that cannot be bound are refused alike', () =>
  compare(async (client, note) => {
    await note(client.execute('SELECT ?', [undefined as never]))
    await note(client.execute('SELECT ?', [Number.POSITIVE_INFINITY]))
    await note(client.execute('SELECT ?', [Number.NaN]))
    await note(client.execute('SELECT ?', [2n ** 63n]))
    await note(client.execute('SELECT ?', [-(2n ** 63n)]))
    await note(client.batch(['CREATE TABLE u (a)', { sql: 'INSERT INTO u VALUES (?)', args: [Number.NaN] }]))
    await note(client.execute('SELECT count(*) FROM sqlite_master'))
  }))

test('errors have the same codes', () =>
  compare(async (client, note) => {
    await note(client.execute(TABLE))
    await note(client.execute('CREATE TABLE child (a NOT NULL REFERENCES t, CHECK (a <> 7))'))
    await note(client.execute("INSERT INTO t (a, b) VALUES (1, 'x')"))
    for (const sql of [
      'SELEC 1',
      'SELECT * FROM nowhere',
      'SELECT nothing FROM t',
      "INSERT INTO t (a, b) VALUES (1, 'y')",
      "INSERT INTO t (a, b) VALUES (2, 'x')",
      'INSERT INTO child VALUES (NULL)',
      'INSERT INTO child VALUES (7)',
      'INSERT INTO child VALUES (5)',
      "INSERT INTO t (a) VALUES ('text')",
      'COMMIT',
      'ROLLBACK',
      'SELECT abs(-9223372036854775808)',
    ]) {
      await note(client.execute(sql))
    }
  }))

test('statements of all kinds', () =>
  compare(async (client, note) => {
    for (const sql of [
      'PRAGMA foreign_keys',
      'PRAGMA foreign_keys = OFF',
      'PRAGMA foreign_keys = ON',
      'PRAGMA user_version = 7',
      'PRAGMA user_version',
      '/* why */ CREATE TABLE t (a)',
      '-- why\nINSERT INTO t VALUES (1)',
      'WITH w AS (SELECT 2 AS a) INSERT INTO t SELECT a FROM w',
      'WITH w AS (SELECT 3 AS a) SELECT a FROM w',
      'VALUES (1, 2), (3, 4)',
      "INSERT INTO t VALUES ('returning')",
      'REPLACE INTO t VALUES (1) RETURNING *',
      'DELETE FROM t RETURNING a AS gone',
      'ANALYZE',
      'REINDEX',
    ]) {
      await note(client.execute(sql))
    }
  }))

test('a batch runs whole or not at all', () =>
  compare(async (client, note) => {
    await note(client.batch([]))
    await note(
      client.batch(
        [
          TABLE,
          { sql: 'INSERT INTO t (a, b) VALUES (?, ?)', args: [1, 'x'] },
          { sql: 'INSERT INTO t (a, b) VALUES (:a, :b)', args: { a: 2, b: 'y' } },
          ['INSERT INTO t (a) VALUES (?)', [3]],
          ['SELECT count(*) AS n FROM t'],
          'INSERT INTO t (a) VALUES (4) RETURNING a',
          'DELETE FROM t WHERE a > 2',
        ],
        'write',
      ),
    )
    await note(client.batch(['DELETE FROM t', 'INSERT INTO nowhere VALUES (1)', 'SELECT 1'], 'deferred'))
    await note(client.batch(['DELETE FROM t', "INSERT INTO t (a, b) VALUES (9, 'x'), (10, 'x')"]))
    await note(client.batch(['SELECT * FROM t ORDER BY a', 'SELECT count(*) FROM t'], 'read'))
    await note(client.batch(['SELECT 1'], 'sometimes' as never))
    // The integer does not fit: what was written before it is undone.
    await note(client.batch(['DELETE FROM t', 'INSERT INTO t (a) VALUES (9007199254740993) RETURNING a']))
    await note(client.execute('SELECT a, b FROM t ORDER BY a'))
  }))

test.each(['write', 'read', 'deferred'] as const)('a transaction of mode %s', (mode) =>
  compare(async (client, note) => {
    await note(client.execute(TABLE))
    const first = await client.transaction(mode)
    await note(first.execute({ sql: 'INSERT INTO t (a) VALUES (?)', args: [1] }))
    await note(first.execute({ sql: 'SELECT a FROM t' }))
    await note(first.batch(['INSERT INTO t (a) VALUES (2)', 'INSERT INTO t (a) VALUES (1)']))
    await note(first.executeMultiple('INSERT INTO t (a) VALUES (3); INSERT INTO t (a) VALUES (4)'))
    await note(first.executeMultiple('INSERT INTO t (a) VALUES (5); INSERT INTO t (a) VALUES (1)'))
    await note(Promise.resolve(first.closed))
    await note(first.commit())
    await note(Promise.resolve(first.closed))
    await note(first.commit())
    await note(first.execute('SELECT 1'))
    await note(first.batch(['SELECT 1']))
    await note(first.rollback())
    const second = await client.transaction(mode)
    await note(second.execute('DELETE FROM t'))
    await note(second.rollback())
    await note(second.execute('SELECT 1'))
    const third = await client.transaction(mode)
    await note(third.execute('DELETE FROM t'))
    third.close()
    third.close()
    await note(Promise.resolve(third.closed))
    await note(client.execute('SELECT a FROM t'))
  }),
)

test('a transaction that SQLite ends is closed', () =>
  compare(async (client, note) => {
    await note(client.execute('CREATE TABLE t (a INTEGER PRIMARY KEY)'))
    const transaction = await client.transaction()
    await note(transaction.execute('INSERT INTO t VALUES (1)'))
    await note(transaction.execute('INSERT OR ROLLBACK INTO t VALUES (1)'))
    await note(Promise.resolve(transaction.closed))
    await note(transaction.execute('INSERT INTO t VALUES (2)'))
    await note(transaction.commit())
    transaction.close()
    const failing = await client.transaction('write')
    await note(
      failing.executeMultiple(
        'CREATE TABLE p (a PRIMARY KEY); CREATE TABLE c (a REFERENCES p DEFERRABLE INITIALLY DEFERRED)',
      ),
    )
    await note(failing.execute('INSERT INTO c VALUES (1)'))
    await note(failing.commit())
    await note(Promise.resolve(failing.closed))
    await note(client.execute('SELECT count(*) FROM sqlite_master'))
  }))

test('migrate runs without foreign keys, and has them back', () =>
  compare(async (client, note) => {
    await note(client.migrate(['CREATE TABLE p (a PRIMARY KEY)', 'CREATE TABLE c (a REFERENCES p)']))
    await note(client.migrate([{ sql: 'INSERT INTO c VALUES (?)', args: [1] }, 'SELECT * FROM c']))
    await note(client.execute('INSERT INTO c VALUES (2)'))
    await note(client.migrate(['DELETE FROM c', 'INSERT INTO nowhere VALUES (1)']))
    await note(client.execute('INSERT INTO c VALUES (2)'))
    await note(client.execute('SELECT a FROM c'))
  }))

test('a script leaves no transaction open', () =>
  compare(async (client, note) => {
    await note(client.executeMultiple('CREATE TABLE t (a PRIMARY KEY); INSERT INTO t VALUES (1)'))
    await note(client.executeMultiple('INSERT INTO t VALUES (2); INSERT INTO t VALUES (1); SELECT 1'))
    await note(client.executeMultiple('BEGIN; INSERT INTO t VALUES (3); INSERT INTO t VALUES (1); COMMIT'))
    await note(client.executeMultiple('BEGIN; INSERT INTO t VALUES (4)'))
    await note(client.execute('SELECT a FROM t'))
    await note(client.execute('BEGIN'))
    await note(client.execute('COMMIT'))
    await note(client.executeMultiple(''))
  }))

test('a client is closed, and connected again', () =>
  compare(async (client, note) => {
    await note(client.execute('CREATE TABLE t (a)'))
    await note(Promise.resolve([client.closed, client.protocol]))
    const open = await client.transaction('write')
    await note(open.execute('INSERT INTO t VALUES (1)'))
    client.close()
    client.close()
    await note(Promise.resolve([client.closed, open.closed]))
    await note(client.execute('SELECT 1'))
    await note(client.batch(['SELECT 1']))
    await note(client.migrate(['SELECT 1']))
    await note(client.executeMultiple('SELECT 1'))
    await note(client.transaction())
    await client.reconnect()
    await note(client.execute('SELECT * FROM t'))
    await note(Promise.resolve(client.closed))
  }))

test('a call that waits too long for a transaction is SQLITE_BUSY', async () => {
  const client = createClient({ database: await newDatabase(), timeout: 30 })
  const open = await client.transaction()
  for (const call of [
    () => client.execute('SELECT 1'),
    () => client.batch(['SELECT 1']),
    () => client.batch(['INSERT INTO t VALUES (1) RETURNING a']),
    () => client.executeMultiple('SELECT 1'),
    () => client.migrate(['SELECT 1']),
    () => client.transaction(),
  ]) {
    const error = await rejection<LibsqlError>(call())
    expect(error).toBeInstanceOf(LibsqlError)
    expect(error).toMatchObject({ code: 'SQLITE_BUSY', rawCode: 5 })
  }
  await open.commit()
  expect((await client.execute('SELECT 1')).rows[0]?.[0]).toBe(1)
})

test('a transaction that nobody closes is rolled back when its time is over', async () => {
  const client = createClient({ database: await newDatabase({ transactionTimeoutMs: 30 }) })
  await client.execute('CREATE TABLE t (a)')
  const forgotten = await client.transaction()
  await forgotten.execute('INSERT INTO t VALUES (1)')
  expect((await client.execute('SELECT count(*) FROM t')).rows[0]?.[0]).toBe(0)
  expect(forgotten.closed).toBe(true)
  expect(await rejection(forgotten.execute('SELECT 1'))).toMatchObject({ code: 'TRANSACTION_CLOSED' })
  expect(await rejection(forgotten.commit())).toMatchObject({ code: 'TRANSACTION_CLOSED' })
  forgotten.close()
})

test('calls wait for a transaction that ends in time', async () => {
  const client = createClient({ database: await newDatabase() })
  await client.execute('CREATE TABLE t (a)')
  const add = async (a: number) => {
    const transaction = await client.transaction('write')
    const { rows } = await transaction.execute('SELECT count(*) FROM t')
    await transaction.execute('INSERT INTO t VALUES (?)', [a])
    await transaction.commit()
    return rows[0]?.[0]
  }
  const adding = Array.from({ length: 8 }, (_, a) => add(a))
  expect((await client.execute('SELECT 1')).rows).toHaveLength(1)
  expect((await Promise.all(adding)).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

test('nobody comes between the statements of a migration', async () => {
  const client = createClient({ database: await newDatabase() })
  await client.executeMultiple('CREATE TABLE p (a PRIMARY KEY); CREATE TABLE c (a REFERENCES p)')
  const migrating = client.migrate(['INSERT INTO c VALUES (1)', 'DELETE FROM c'])
  const inserting = rejection<LibsqlError>(client.execute('INSERT INTO c VALUES (2)'))
  await migrating
  expect(await inserting).toMatchObject({ extendedCode: 'SQLITE_CONSTRAINT_FOREIGNKEY' })
})

test('foreign keys that were off stay off after a migration', async () => {
  const client = createClient({ database: await newDatabase({ foreignKeys: false }) })
  await client.migrate(['CREATE TABLE p (a PRIMARY KEY)', 'CREATE TABLE c (a REFERENCES p)'])
  await client.execute('INSERT INTO c VALUES (1)')
  expect((await client.execute('PRAGMA foreign_keys')).rows[0]?.[0]).toBe(0)
})

test('large results come whole', async () => {
  const client = createClient({ database: await newDatabase() })
  const numbers =
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i FROM n'
  const { rows, columns } = await client.execute(numbers)
  expect([rows.length, rows.at(-1)?.['i'], columns]).toEqual([100_000, 100_000, ['i']])
})

test('the storage errors of a client have their own codes', async () => {
  const storage = await sharedStorage()
  const client = createClient({ actor: 'fenced', store: storage })
  await client.execute('CREATE TABLE t (a)')
  const taker = await storage.open('fenced')
  await taker.run('INSERT INTO t VALUES (1)')
  const error = await rejection<LibsqlError>(client.execute('INSERT INTO t VALUES (2)'))
  expect(error).toBeInstanceOf(LibsqlError)
  expect(error).toMatchObject({ code: 'ERR_FENCED', cause: { name: 'StorageError' } })
  await taker.close()
  await client.reconnect()
  expect((await client.execute('SELECT a FROM t')).rows[0]?.[0]).toBe(1)
  await client[Symbol.asyncDispose]()
  const absent = createClient({ actor: 'absent', store: storage, create: false })
  for (let tries = 0; tries < 2; tries += 1) {
    expect(await rejection(absent.execute('SELECT 1'))).toMatchObject({ code: 'ERR_NOT_FOUND' })
  }
})

test('a url may name the store and the namespace', async () => {
  const store = join(directory, 'of url')
  const query = new URLSearchParams({ store, namespace: 'rooms' })
  await using client = createClient({ url: `actor:room%2F42?${query}` })
  const database = await client.database()
  expect(database.name).toBe('room/42')
  await client.execute('CREATE TABLE t (a)')
  await using same = createClient({ url: 'actor:room%2F42', store, namespace: 'rooms' })
  expect((await same.execute('SELECT name FROM sqlite_master')).rows[0]?.['name']).toBe('t')
})

test.each([
  [{ url: 'file:x.db', store: 'x' }, 'URL_SCHEME_NOT_SUPPORTED'],
  [{ url: 'libsql://host', store: 'x' }, 'URL_SCHEME_NOT_SUPPORTED'],
  [{ url: 'nothing', store: 'x' }, 'URL_INVALID'],
  [{ url: 'actor:%zz', store: 'x' }, 'URL_INVALID'],
  [{ url: 'actor:a?tls=0', store: 'x' }, 'URL_PARAM_NOT_SUPPORTED'],
  [{ actor: 'a', store: 'x', syncUrl: 'libsql://host' }, 'OPTION_NOT_SUPPORTED'],
  [{ actor: 'a' }, 'the option "store" must be'],
  [{ store: 'x' }, 'the name of an actor must be'],
  [{ url: 'actor:', store: 'x' }, 'the name of an actor must be'],
  [{ url: 'actor:a', actor: 'a', store: 'x' }, 'say the same'],
  [{ actor: 'a', store: 'x', intMode: 'float' }, 'Invalid value for intMode'],
  [{ actor: 'a', store: 'x', timeout: -1 }, 'the option "timeout"'],
  [{ actor: 'a', store: 'x', colour: 'red' }, 'no option "colour"'],
  [{ database: {} }, 'must be a database'],
  ['actor:a', 'Expected client configuration as object'],
])('the configuration %j is refused', (config, reason) => {
  expect(() => createClient(config as never)).toThrow(reason)
})

test('sync is refused, and more than one statement', async () => {
  const client = createClient({ database: await newDatabase() })
  expect(await rejection(client.sync())).toMatchObject({ code: 'SYNC_NOT_SUPPORTED' })
  expect(await rejection(client.execute('SELECT 1; SELECT 2'))).toMatchObject({ code: 'SQLITE_MISUSE' })
  expect(await rejection(client.execute(''))).toMatchObject({ code: 'SQLITE_MISUSE' })
  const error = await rejection(client.batch(['SELECT 1', 'SELEC']))
  expect(error).toBeInstanceOf(LibsqlBatchError)
  expect(error).toMatchObject({ message: 'SQLITE_ERROR: near "SELEC": syntax error', statementIndex: 1 })
})

test('drizzle-orm/libsql works on it', async () => {
  const users = sqliteTable('users', { id: integer().primaryKey(), name: text().notNull() })
  const db = drizzle({ client: createClient({ database: await newDatabase() }), schema: { users } })
  await db.run('CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)')
  await db.insert(users).values([{ name: 'Ada' }, { name: 'Grace' }])
  const undone = db.transaction(async (tx) => {
    await tx.insert(users).values({ name: 'Nobody' })
    await tx.transaction(async (inner) => {
      await inner.insert(users).values({ name: 'Nobody either' })
      inner.rollback()
    })
  })
  expect((await rejection(undone)).name).toBe('DrizzleError')
  expect(await db.query.users.findMany()).toEqual([
    { id: 1, name: 'Ada' },
    { id: 2, name: 'Grace' },
  ])
  const [inserted, all] = await db.batch([
    db.insert(users).values({ name: 'Edsger' }).returning(),
    db.select({ name: users.name }).from(users).orderBy(users.id),
  ])
  expect([inserted, all.map(({ name }) => name)]).toEqual([
    [{ id: 3, name: 'Edsger' }],
    ['Ada', 'Grace', 'Edsger'],
  ])
})
