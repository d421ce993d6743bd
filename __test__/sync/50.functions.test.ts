import { expect, test } from 'vitest'
import type { DatabaseSync } from '../../index.js'
import { newSync, thrown } from './support.js'

const BUSY = 'This database connection is busy executing a query'
const value = (db: DatabaseSync, sql: string, ...args: unknown[]) =>
  db
    .prepare(sql)
    .pluck()
    .get(...args)

test('a function is called with the values of SQL, and answers with one', () => {
  const db = newSync()
  const seen: unknown[][] = []
  db.function('echo', { varargs: true }, (...values) => {
    seen.push(values)
    return values[0]
  })
  for (const one of [1, 1.5, 'größe', 'a\0b', null, Buffer.from([1, 2]), Buffer.alloc(0), '']) {
    expect(value(db, 'SELECT echo(?)', one)).toEqual(one)
  }
  value(db, 'SELECT echo()')
  value(db, "SELECT echo(1, 2.5, 'x', NULL, x'01', 6, 7, 8, 9, 10)")
  expect(seen.at(-2)).toEqual([])
  expect(seen.at(-1)).toEqual([1, 2.5, 'x', null, Buffer.from([1]), 6, 7, 8, 9, 10])
  expect(value(db, 'SELECT typeof(echo(7))')).toBe('integer')
  db.function('yes', () => true)
  expect(value(db, 'SELECT yes()')).toBe(1)
  db.function('none', () => undefined)
  expect(value(db, 'SELECT none()')).toBe(null)
})

test('functions are known by name and number of arguments', () => {
  const db = newSync()
  db.function('f', (_a) => 1).function('f', (_a, _b) => 2)
  expect(db.prepare('SELECT f(0), f(0, 0)').raw().get()).toEqual([1, 2])
  expect(thrown(() => value(db, 'SELECT f()'))).toMatchObject({
    code: 'SQLITE_ERROR',
    message: 'wrong number of arguments to function f()',
  })
  db.function('f', (_a) => 3)
  expect(value(db, 'SELECT f(0)')).toBe(3)
})

test('integers come exactly', () => {
  const db = newSync()
  const seen: unknown[] = []
  db.function('see', (one) => void seen.push(one))
  db.function('seen', { safeIntegers: true }, (one) => void seen.push(one))
  db.exec('SELECT see(1), see(9007199254740993), seen(1)')
  expect(seen).toEqual([1, 9007199254740993n, 1n])
  db.function('big', () => 2n ** 62n)
  expect(db.prepare('SELECT big()').pluck().safeIntegers().get()).toBe(2n ** 62n)
})

test('what a function throws is what its statement throws', () => {
  const db = newSync()
  db.exec('CREATE TABLE t (x)')
  const failure = { not: 'even an error' }
  db.function('fail', (one) => {
    if (one === 3) throw failure
    return one
  })
  const insert = 'INSERT INTO t SELECT fail(column1) FROM (VALUES (1), (2), (3), (4))'
  expect(thrown(() => db.exec(insert))).toBe(failure)
  expect(thrown(() => db.prepare(insert).run())).toBe(failure)
  expect(thrown(() => db.prepare('SELECT fail(3)').get())).toBe(failure)
  expect(thrown(() => [...db.prepare('SELECT fail(column1) FROM (VALUES (1), (3))').iterate()])).toBe(failure)
  expect(value(db, 'SELECT count(*) FROM t')).toBe(0)
  expect(value(db, 'SELECT fail(1)')).toBe(1)
  for (const wrong of [Symbol('s'), {}, new Date(), () => 1]) {
    db.function('wrong', () => wrong)
    expect(thrown(() => value(db, 'SELECT wrong()'))).toMatchObject({
      name: 'TypeError',
      message: 'User-defined function wrong() returned an invalid value',
    })
  }
  db.function('wrong', () => 2n ** 64n)
  expect(thrown(() => value(db, 'SELECT wrong()'))).toBeInstanceOf(RangeError)
})

test('a function cannot use its database, but another one', () => {
  const db = newSync()
  const other = newSync()
  const select = db.prepare('SELECT 1')
  const errors: unknown[] = []
  db.function('again', () => {
    for (const call of [
      () => select.get(),
      () => select.all(),
      () => select.iterate(),
      () => db.prepare('SELECT 1'),
      () => db.exec('SELECT 1'),
      () => db.close(),
      () => db.function('f', () => 1),
      () => db.serialize(),
      () => db.transaction(() => 1)(),
    ]) {
      errors.push(thrown(call).message)
    }
    expect([db.open, db.inTransaction]).toEqual([true, false])
    return value(other, 'SELECT 5')
  })
  expect(value(db, 'SELECT again()')).toBe(5)
  expect(new Set(errors)).toEqual(new Set([BUSY]))
  expect(errors).toHaveLength(9)
  db.close()
})

test('deterministic functions make indexes, direct ones stay out of the schema', () => {
  const db = newSync()
  db.exec('CREATE TABLE t (x)')
  db.function('half', { deterministic: true }, (x) => (x as number) / 2)
  db.exec('CREATE INDEX i ON t (half(x)); INSERT INTO t VALUES (4), (8)')
  expect(value(db, 'SELECT x FROM t WHERE half(x) = 4')).toBe(8)
  db.function('quick', (x) => x)
  expect(thrown(() => db.exec('CREATE INDEX j ON t (quick(x))'))).toMatchObject({ code: 'SQLITE_ERROR' })
  db.function('direct', { directOnly: true }, () => 1)
  db.exec('CREATE VIEW v AS SELECT quick(x) AS q FROM t; CREATE VIEW w AS SELECT direct() AS d')
  expect(value(db, 'SELECT q FROM v')).toBe(4)
  expect(thrown(() => value(db, 'SELECT d FROM w'))).toMatchObject({ message: 'unsafe use of direct()' })
})

test('aggregates gather rows, each group by itself', () => {
  const db = newSync()
  db.exec("CREATE TABLE t (g, x); INSERT INTO t VALUES ('a', 1), ('b', 10), ('a', 2), ('b', 20)")
  db.aggregate<number>('total', { start: 0, step: (sum, x: number) => sum + x })
  expect(db.prepare('SELECT g, total(x) FROM t GROUP BY g').raw().all()).toEqual([
    ['a', 3],
    ['b', 30],
  ])
  db.aggregate<unknown[]>('list', {
    start: () => [],
    step: (items, x, y) => void items.push(x, y),
    result: (items) => JSON.stringify(items),
  })
  expect(value(db, "SELECT list(x, g) FROM t WHERE g = 'a'")).toBe('[1,"a",2,"a"]')
  expect(value(db, 'SELECT list(x, g) FROM t WHERE 0')).toBe('[]')
  const failure = new Error('step')
  db.aggregate<null>('fail', {
    step: () => {
      throw failure
    },
  })
  expect(thrown(() => value(db, 'SELECT fail(), total(x) FROM t'))).toBe(failure)
  expect(value(db, 'SELECT total(x) FROM t')).toBe(33)
})

test('an aggregate that takes rows out again is a window function', () => {
  const db = newSync()
  let told = 0
  db.aggregate<number>('moving', {
    start: 0,
    step: (sum, x: number) => sum + x,
    inverse: (sum, x: number) => sum - x,
    result: (sum) => {
      told += 1
      return sum * 10
    },
  })
  const window = 'SELECT moving(column1) OVER (ROWS 1 PRECEDING) FROM (VALUES (1), (2), (3), (4))'
  expect(db.prepare(window).pluck().all()).toEqual([10, 30, 50, 70])
  expect(told).toBe(4)
  db.aggregate<number>('plain', { start: 0, step: (sum) => sum + 1 })
  expect(thrown(() => db.prepare('SELECT plain(1) OVER ()'))).toMatchObject({ code: 'SQLITE_ERROR' })
})

test('arguments are checked', () => {
  const db = newSync() as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const args of [[], ['f'], ['f', {}], [1, () => 1], ['', () => 1], ['f', { varargs: 1 }, () => 1]]) {
    expect(thrown(() => db['function']?.(...args))).toBeInstanceOf(TypeError)
  }
  for (const args of [[], ['a'], ['a', {}], ['a', { step: 1 }], ['', { step: () => 1 }], ['a', () => 1]]) {
    expect(thrown(() => db['aggregate']?.(...args))).toBeInstanceOf(TypeError)
  }
  const many = Object.defineProperty(() => 1, 'length', { value: 101 })
  expect(thrown(() => db['function']?.('f', many))).toBeInstanceOf(RangeError)
})

test('serialize gives the file', () => {
  const db = newSync()
  db.exec("CREATE TABLE t (x); INSERT INTO t VALUES ('in the file')")
  const bytes = db.serialize()
  expect(bytes.subarray(0, 15).toString()).toBe('SQLite format 3')
  expect(bytes.length).toBe(4096 * (db.pragma('page_count', { simple: true }) as number))
  expect(bytes.includes('in the file')).toBe(true)
})
