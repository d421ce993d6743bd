import { expect, test } from 'vitest'
import { SqliteError, StorageError } from '../index.js'
import { newDatabase, rejection } from './support.js'

test('constraints by their extended names', async () => {
  const db = await newDatabase()
  await db.exec(
    `CREATE TABLE t (a INTEGER PRIMARY KEY, b UNIQUE, c NOT NULL DEFAULT 0, d CHECK (d > 0)) STRICT`
      .replace('b UNIQUE', 'b TEXT UNIQUE')
      .replace('c NOT', 'c INTEGER NOT')
      .replace('d CHECK', 'd INTEGER CHECK'),
  )
  await db.run("INSERT INTO t VALUES (1, 'x', 0, 1)")
  const failures: [string, string, number][] = [
    ["INSERT INTO t VALUES (1, 'y', 0, 1)", 'SQLITE_CONSTRAINT_PRIMARYKEY', 1555],
    ["INSERT INTO t VALUES (2, 'x', 0, 1)", 'SQLITE_CONSTRAINT_UNIQUE', 2067],
    ["INSERT INTO t VALUES (2, 'y', NULL, 1)", 'SQLITE_CONSTRAINT_NOTNULL', 1299],
    ["INSERT INTO t VALUES (2, 'y', 0, 0)", 'SQLITE_CONSTRAINT_CHECK', 275],
    ["INSERT INTO t VALUES (2, 'y', 'text', 1)", 'SQLITE_CONSTRAINT_DATATYPE', 3091],
  ]
  for (const [sql, code, errno] of failures) {
    const error = await rejection<SqliteError>(db.run(sql))
    expect(error).toBeInstanceOf(SqliteError)
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'SqliteError', code, errno, errstr: 'constraint failed' })
  }
  const message = (await rejection(db.run("INSERT INTO t VALUES (2, 'x', 0, 1)"))).message
  expect(message).toBe('UNIQUE constraint failed: t.b')
  await db.close()
})

test('a syntax error says where it is', async () => {
  const db = await newDatabase()
  const error = await rejection<SqliteError>(db.run('SELECT 1 FORM t'))
  expect(error).toMatchObject({ code: 'SQLITE_ERROR', errno: 1, errstr: 'SQL logic error', offset: 14 })
  expect((await rejection<SqliteError>(db.run('SELECT * FROM nowhere'))).message).toBe(
    'no such table: nowhere',
  )
  await db.close()
})

test('the stack leads to the call', async () => {
  const db = await newDatabase()
  async function theCaller(): Promise<void> {
    await db.run('SELECT * FROM nowhere')
  }
  const error = await rejection(theCaller())
  expect(error.stack).toContain('theCaller')
  expect(error.stack).toContain('60.errors.test')
  const closed = await rejection(
    (async function anotherCaller() {
      await db.transaction(async (tx) => {
        await tx.get('SELECT * FROM nowhere')
      })
    })(),
  )
  expect(closed.stack).toContain('60.errors.test')
  await db.close()
})

test('what statements must not do to the host is refused', async () => {
  const db = await newDatabase()
  for (const sql of ["ATTACH '/tmp/x.db' AS x", "VACUUM INTO '/tmp/x.db'", "SELECT load_extension('x')"]) {
    expect(await rejection(db.exec(sql))).toBeInstanceOf(SqliteError)
  }
  await db.exec('VACUUM')
  await db.close()
})

test('a call whose time is over is undone', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a)')
  const endless =
    'INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n'
  const error = await rejection(db.with({ timeoutMs: 100 }).run(endless))
  expect(error).toBeInstanceOf(StorageError)
  expect(error).toMatchObject({ code: 'ERR_TIMEOUT', retryable: true })
  expect(await db.pluck('SELECT count(*) FROM t')).toBe(0)
  await db.close()
})

test('a database can have a time limit for all its calls', async () => {
  const db = await newDatabase({ queryTimeoutMs: 100 })
  const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n'
  expect(await rejection(db.get(endless))).toMatchObject({ code: 'ERR_TIMEOUT' })
  expect(await db.pluck('SELECT 1')).toBe(1)
  await db.close()
})

const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n'

test('a signal interrupts its call and no other', async () => {
  const db = await newDatabase()
  const controller = new AbortController()
  const reason = new Error('no need any more')
  const running = db.with({ signal: controller.signal }).get(endless)
  const waiting = db.with({ signal: controller.signal }).get('SELECT 2')
  const other = db.get('SELECT 3 AS n')
  setTimeout(() => controller.abort(reason), 50)
  expect(await Promise.all([rejection(running), rejection(waiting)])).toEqual([reason, reason])
  expect(await other).toEqual({ n: 3 })
  expect(await rejection(db.with({ signal: controller.signal }).get('SELECT 4'))).toBe(reason)
  await db.close()
})

test('a signal that aborts late does nothing', async () => {
  const db = await newDatabase()
  const controller = new AbortController()
  expect(await db.with({ signal: controller.signal, timeoutMs: 60_000 }).pluck('SELECT 1')).toBe(1)
  controller.abort()
  expect(await db.pluck('SELECT 1')).toBe(1)
  await db.close()
})

test('a signal reaches calls that wait for a transaction', async () => {
  const db = await newDatabase()
  const controller = new AbortController()
  let end = () => {}
  const transaction = db.transaction(
    () =>
      new Promise<void>((resolve) => {
        end = resolve
      }),
  )
  const waiting = db.with({ signal: controller.signal }).get('SELECT 1')
  const queued = db.transaction(() => 1, { signal: controller.signal })
  const late = db.with({ timeoutMs: 20 }).get('SELECT 1')
  controller.abort(new Error('gone'))
  const errors = await Promise.all([rejection(waiting), rejection(queued), rejection(late)])
  expect(errors).toMatchObject([{ message: 'gone' }, { message: 'gone' }, { code: 'ERR_TIMEOUT' }])
  end()
  await transaction
  expect(await db.pluck('SELECT 1')).toBe(1)
  await db.close()
})

test('interrupt stops what runs', async () => {
  const db = await newDatabase()
  const running = db.get(endless)
  setTimeout(() => db.interrupt(), 50)
  expect(await rejection(running)).toMatchObject({ name: 'SqliteError', code: 'SQLITE_INTERRUPT', errno: 9 })
  expect(await db.pluck('SELECT 1')).toBe(1)
  await db.close()
})

test.each([
  [{ timeout: 1 }, 'has no option "timeout"'],
  [{ timeoutMs: -1 }, 'the option "timeoutMs" must be'],
  [null, 'options must be an object'],
])('call options %j are refused', async (options, message) => {
  const db = await newDatabase()
  expect(() => db.with(options as never)).toThrow(message)
  expect((await rejection(db.transaction(() => 1, options as never))).message).toContain(message)
  expect(await rejection(db.transaction(1 as never))).toBeInstanceOf(TypeError)
  await db.close()
})
