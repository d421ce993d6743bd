import { afterAll, expect, test } from 'vitest'
import { newDatabase, rejection } from './support.js'

const db = await newDatabase()
await db.exec(
  "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')",
)
afterAll(() => db.close())

test('a statement says what it is', async () => {
  const reader = await db.prepare('SELECT a AS x, b, a + 1 FROM t')
  expect([reader.source, reader.reader, reader.readonly]).toEqual([
    'SELECT a AS x, b, a + 1 FROM t',
    true,
    true,
  ])
  expect(reader.columns()).toEqual([
    { name: 'x', column: 'a', table: 't', database: 'main', type: 'INTEGER' },
    { name: 'b', column: 'b', table: 't', database: 'main', type: 'TEXT' },
    { name: 'a + 1', column: null, table: null, database: null, type: null },
  ])
  const writer = await db.prepare('DELETE FROM t WHERE a = 0')
  expect([writer.reader, writer.readonly]).toEqual([false, false])
  expect(() => writer.columns()).toThrow(TypeError)
  expect(() => writer.raw()).toThrow(TypeError)
  await Promise.all([reader.finalize(), writer.finalize()])
})

test('rows come in the form that was asked for', async () => {
  const statement = await db.prepare('SELECT a, b FROM t ORDER BY a')
  expect(await statement.get()).toEqual({ a: 1, b: 'one' })
  expect(await statement.raw().all()).toEqual([
    [1, 'one'],
    [2, 'two'],
    [3, 'three'],
  ])
  expect(await statement.pluck().all()).toEqual([1, 2, 3])
  expect(await statement.pluck().get()).toBe(1)
  expect(await statement.pluck(false).get()).toEqual({ a: 1, b: 'one' })
  expect(await statement.values()).toEqual([
    [1, 'one'],
    [2, 'two'],
    [3, 'three'],
  ])
  expect(await statement.integers('bigint').get()).toEqual({ a: 1n, b: 'one' })
  expect(() => statement.integers('string' as never)).toThrow(TypeError)
  await statement.finalize()
})

test('one statement runs many times at once', async () => {
  const statement = await db.prepare<{ a: number }>('SELECT a FROM t WHERE a = ?')
  const rows = await Promise.all([1, 2, 3, 2, 1].map((a) => statement.get(a)))
  expect(rows.map((row) => row?.a)).toEqual([1, 2, 3, 2, 1])
  await statement.finalize()
})

test('a finalized statement is closed', async () => {
  const statement = await db.prepare('SELECT 1')
  await statement.finalize()
  await statement.finalize()
  expect(await rejection(statement.get())).toMatchObject({
    code: 'ERR_CLOSED',
    message: 'the statement is closed',
  })
  {
    await using other = await db.prepare('SELECT 1')
    expect(await other.get()).toEqual({ 1: 1 })
  }
})

test('a call that does not fit its statement is refused', async () => {
  expect(await rejection(db.get('DELETE FROM t WHERE a = 0'))).toBeInstanceOf(TypeError)
  expect(await rejection(db.all('DELETE FROM t WHERE a = 0'))).toBeInstanceOf(TypeError)
  expect(await rejection(db.run('SELECT 1'))).toBeInstanceOf(TypeError)
  for (const sql of ['SELECT 1; SELECT 2', '', '  -- nothing', 'SELECT 1;;;SELECT 2']) {
    expect(await rejection(db.get(sql))).toBeInstanceOf(TypeError)
  }
  expect(await db.get('SELECT 1 AS a; -- that was it')).toEqual({ a: 1 })
  for (const sql of [undefined, null, 1, {}, ['SELECT 1']]) {
    expect(await rejection(db.run(sql as never))).toBeInstanceOf(TypeError)
    expect(() => db.iterate(sql as never)).toThrow(TypeError)
  }
})

test('changes count what the statement itself changed', async () => {
  await db.exec(
    'CREATE TABLE log (a); CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END',
  )
  expect(await db.run("INSERT INTO t (b) VALUES ('x'), ('y')")).toEqual({ changes: 2, lastInsertRowid: 5 })
  expect(await db.run("UPDATE t SET b = 'z' WHERE a > 3")).toMatchObject({ changes: 2 })
  expect(await db.run('CREATE TABLE other (a)')).toMatchObject({ changes: 0 })
  expect(await db.all('DELETE FROM t WHERE a > 3 RETURNING a')).toEqual([{ a: 4 }, { a: 5 }])
})

test('template literals bind their values', async () => {
  const name = "two'; DROP TABLE t; --"
  expect(await db.sql`SELECT ${1} AS a, ${name} AS b`).toEqual([{ a: 1, b: name }])
  expect(await db.sql.get`SELECT a FROM t WHERE b = ${'two'}`).toEqual({ a: 2 })
  expect(await db.sql.all`SELECT a FROM t WHERE a < ${3}`).toEqual([{ a: 1 }, { a: 2 }])
  expect(await db.sql.values`SELECT a FROM t WHERE a = ${3}`).toEqual([[3]])
  expect(await db.sql.run`UPDATE t SET b = ${'TWO'} WHERE a = ${2}`).toMatchObject({ changes: 1 })
  expect(await rejection(db.sql.run`UPDATE t SET b = ${{ a: 1 } as never}`)).toBeInstanceOf(TypeError)
  expect(await rejection(db.sql('SELECT 1' as never))).toBeInstanceOf(TypeError)
})

test('pragmas', async () => {
  expect(await db.pragma('user_version = 7')).toEqual([])
  expect(await db.pragma('user_version', { simple: true })).toBe(7)
  expect(await db.pragma('table_info(t)')).toMatchObject([{ name: 'a' }, { name: 'b' }])
  expect(await db.pragma('journal_mode = WAL', { simple: true })).toBe('truncate')
})

test('a script runs to its first error', async () => {
  await db.exec('CREATE TABLE s (a); INSERT INTO s VALUES (1); INSERT INTO s VALUES (2)')
  const error = await rejection(
    db.exec('INSERT INTO s VALUES (3); INSERT INTO nowhere VALUES (4); INSERT INTO s VALUES (5)'),
  )
  expect(error).toMatchObject({ name: 'SqliteError', code: 'SQLITE_ERROR', statementIndex: 1 })
  expect(await db.pluck('SELECT max(a) FROM s')).toBe(3)
})

test('iteration fetches as it goes, in any form', async () => {
  const sql = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n'
  let sum = 0
  for await (const { i } of db.iterate<{ i: number }>(sql)) sum += i
  expect(sum).toBe(500500)
  const statement = await db.prepare<number>(sql)
  const seen: number[] = []
  for await (const i of statement.pluck().iterate()) {
    if (i > 300) break
    seen.push(i)
  }
  expect(seen.length).toBe(300)
  await statement.finalize()
  const none = db.iterate('SELECT 1 WHERE 0')
  expect(await none.next()).toEqual({ value: undefined, done: true })
  expect(await none.next()).toEqual({ value: undefined, done: true })
})

test('rows asked for at once come in order', async () => {
  const rows = db.iterate<{ a: number }>('SELECT a FROM t ORDER BY a')
  const results = await Promise.all([rows.next(), rows.next(), rows.next(), rows.next()])
  expect(results.map(({ value }) => value?.a)).toEqual([1, 2, 3, undefined])
})

test('writes go on while a result is open', async () => {
  const rows = db.iterate(
    'SELECT i FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) SELECT i FROM n)',
  )
  await rows.next()
  await db.run("INSERT INTO t (b) VALUES ('while open')")
  let count = 1
  for await (const _ of rows) count += 1
  expect(count).toBe(600)
  const left = db.iterate('SELECT 1')
  await left.return?.()
  expect(await left.next()).toEqual({ value: undefined, done: true })
})

test('a failing iteration rejects and then is at its end', async () => {
  const rows = db.iterate('SELECT * FROM nowhere')
  expect(await rejection(rows.next())).toMatchObject({ code: 'SQLITE_ERROR' })
  expect(await rows.next()).toEqual({ value: undefined, done: true })
})

const thousand =
  'WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, %s AS big FROM n'

test.each(['9007199254740993', 'iif(i < 300, 1, 9007199254740993)'])(
  'a loop that fails at the value %s leaves no cursor open',
  async (value) => {
    const db = await newDatabase()
    for (let round = 0; round < 3; round += 1) {
      const loop = async (): Promise<void> => {
        for await (const _ of db.iterate(thousand.replace('%s', value)));
      }
      expect(await rejection(loop())).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    }
    await db.exec('VACUUM')
    await db.close()
  },
)

test('a loop that a signal ends leaves no cursor open', async () => {
  const db = await newDatabase()
  const controller = new AbortController()
  const loop = async (): Promise<void> => {
    const rows = db.with({ signal: controller.signal }).iterate(thousand.replace('%s', '1'))
    for await (const _ of rows) controller.abort(new Error('enough'))
  }
  expect(await rejection(loop())).toMatchObject({ message: 'enough' })
  await db.exec('VACUUM')
  await db.close()
})
