/** Statements, their iterators and stores, and transactions. */

import { describe, expect, test } from 'vitest'
import { memory, row, thrown } from './support.js'

describe('statements', () => {
  test('rows have no prototype, and any name is a column', () => {
    const db = memory()
    const found = db.prepare('SELECT 1 AS __proto__, 2 AS constructor, 3 AS a, 4 AS a').get()
    expect(Object.getPrototypeOf(found)).toBeNull()
    expect(Object.entries(found as object)).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
      ['a', 4],
    ])
    const arrays = db.prepare('SELECT 3 AS a, 4 AS a', { returnArrays: true })
    expect(arrays.all()).toEqual([[3, 4]])
    arrays.setReturnArrays(false)
    expect(arrays.get()).toEqual(row({ a: 4 }))
  })

  test('values in and out', () => {
    const db = memory()
    const types = db.prepare('SELECT typeof(?) a, typeof(?) b, typeof(?) c, typeof(?) d, typeof(?) e')
    expect(types.get(1, 1n, true, undefined, new Uint8Array(0))).toEqual(
      row({ a: 'real', b: 'integer', c: 'integer', d: 'null', e: 'blob' }),
    )
    const echo = db.prepare('SELECT ? v')
    const value = (given: unknown): unknown => echo.get(given as never)?.['v']
    expect(Object.is(value(-0), -0)).toBe(true)
    expect(value('a\0b')).toBe('a\0b')
    const bytes = value(new DataView(new Uint8Array([9, 1, 2, 9]).buffer, 1, 2))
    expect(bytes).toEqual(new Uint8Array([1, 2]))
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
    expect((bytes as Uint8Array).buffer.byteLength).toBe(2)
    expect(value(new Uint8Array([3, 4]).buffer)).toEqual(new Uint8Array([3, 4]))
    expect(value(new Uint16Array([1]))).toHaveLength(2)
    expect(value(new Uint8Array(new SharedArrayBuffer(2)))).toEqual(new Uint8Array(2))
    for (const given of [Symbol('x'), 2n ** 63n]) {
      expect(thrown(() => echo.get(given as never))[0]).toMatch(/^ERR_INVALID_ARG_/)
    }
    const unbindable = db.prepare('SELECT ?, ?')
    for (const given of [{}, new Date(), () => 1]) {
      expect(thrown(() => unbindable.get(1, given as never))).toEqual([
        'ERR_INVALID_ARG_TYPE',
        'Provided value cannot be bound to SQLite parameter 2.',
      ])
    }
  })

  test('integers that no number holds', () => {
    const db = memory()
    const large = db.prepare('SELECT 9007199254740993 v')
    expect(thrown(() => large.get())).toEqual([
      'ERR_OUT_OF_RANGE',
      'Value is too large to be represented as a JavaScript number: 9007199254740993',
    ])
    expect(thrown(() => [...large.iterate()])[0]).toBe('ERR_OUT_OF_RANGE')
    large.setReadBigInts(true)
    expect(large.get()).toEqual(row({ v: 9007199254740993n }))
    const bigints = memory({ readBigInts: true })
    bigints.exec('CREATE TABLE t (x)')
    expect(bigints.prepare('INSERT INTO t VALUES (1)').run()).toEqual({ changes: 1n, lastInsertRowid: 1n })
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY)')
    const insert = db.prepare('INSERT INTO t VALUES (?)')
    expect(thrown(() => insert.run(2n ** 60n))[0]).toBe('ERR_OUT_OF_RANGE')
  })

  test('what a run says is of the connection', () => {
    const db = memory()
    db.exec("CREATE TABLE t (x); INSERT INTO t VALUES ('a'), ('b')")
    expect(db.prepare('SELECT * FROM t').run()).toEqual({ changes: 2, lastInsertRowid: 2 })
    const returning = db.prepare('INSERT INTO t VALUES (?), (?) RETURNING x')
    expect(returning.get('c', 'd')).toEqual(row({ x: 'c' }))
    expect(returning.run('e', 'f')).toEqual({ changes: 2, lastInsertRowid: 6 })
    expect(db.prepare('CREATE TABLE u (x)').get()).toBeUndefined()
    expect(db.prepare('CREATE TABLE v (x)').all()).toEqual([])
  })

  test('only the first statement of a text is compiled', () => {
    const db = memory()
    expect(db.prepare('SELECT 1 a; nonsense').all()).toEqual([row({ a: 1 })])
    expect(db.prepare('SELECT 1 a\0nonsense').all()).toEqual([row({ a: 1 })])
    db.exec('SELECT 1\0nonsense')
    for (const text of ['', ' ', '-- nothing', ';']) {
      expect(thrown(() => db.prepare(text))).toEqual([
        'ERR_INVALID_ARG_VALUE',
        'The SQL query contains no statements.',
      ])
    }
    expect(thrown(() => db.prepare('SELEC'))).toEqual([
      'ERR_SQLITE_ERROR',
      'near "SELEC": syntax error',
      1,
      'SQL logic error',
    ])
    expect(thrown(() => db.prepare(5 as never))[1]).toBe('The "sql" argument must be a string.')
    expect(thrown(() => db.prepare('SELECT 1', null as never))[0]).toBe('ERR_INVALID_ARG_TYPE')
  })

  test('parameters by position and by name', () => {
    const db = memory()
    const range = ['ERR_SQLITE_ERROR', 'column index out of range', 25, 'column index out of range']
    expect(thrown(() => db.prepare('SELECT ?').get(1, 2))).toEqual(range)
    expect(thrown(() => db.prepare('SELECT $a').get(1))).toEqual(range)
    expect(db.prepare('SELECT ? a, ? b').get(1)).toEqual(row({ a: 1, b: null }))
    expect(db.prepare('SELECT ?2 a, ?1 b').get(1, 2)).toEqual(row({ a: 2, b: 1 }))
    expect(db.prepare('SELECT $a a, ? b, :c c').get({ a: 1, ':c': 3 }, 2)).toEqual(row({ a: 1, b: 2, c: 3 }))
    expect(db.prepare('SELECT $a a, $a b').get({ $a: 1 })).toEqual(row({ a: 1, b: 1 }))
    expect(thrown(() => db.prepare('SELECT $a').get({ b: 1 }))).toEqual([
      'ERR_INVALID_STATE',
      "Unknown named parameter 'b'",
    ])
    expect(thrown(() => db.prepare('SELECT $a, @a').get({ a: 1 }))[1]).toBe(
      "Cannot create bare named parameter 'a' because of conflicting names '$a' and '@a'.",
    )
    const strict = db.prepare('SELECT $a a', { allowBareNamedParameters: false })
    expect(thrown(() => strict.get({ a: 1 }))[1]).toBe("Unknown named parameter 'a'")
    strict.setAllowUnknownNamedParameters(true)
    expect(strict.get({ a: 1 })).toEqual(row({ a: null }))
    strict.setAllowBareNamedParameters(true)
    expect(strict.get({ a: 1, b: 2 })).toEqual(row({ a: 1 }))
    // Nothing is left of the run before.
    expect(strict.get()).toEqual(row({ a: null }))
    for (const set of ['setReadBigInts', 'setReturnArrays', 'setAllowBareNamedParameters'] as const) {
      expect(thrown(() => strict[set](undefined as never))[0]).toBe('ERR_INVALID_ARG_TYPE')
    }
  })

  test('texts, columns, counters', () => {
    const db = memory()
    db.exec('CREATE TABLE t (a INTEGER, b); INSERT INTO t VALUES (1, 2)')
    const statement = db.prepare('SELECT a x, b, $v FROM t')
    expect(statement.sourceSQL).toBe('SELECT a x, b, $v FROM t')
    expect(statement.expandedSQL).toBe('SELECT a x, b, NULL FROM t')
    statement.get({ v: "it's" })
    expect(statement.expandedSQL).toBe("SELECT a x, b, 'it''s' FROM t")
    const reading = statement.iterate({ v: 1n })
    reading.next()
    expect(statement.expandedSQL).toBe('SELECT a x, b, 1 FROM t')
    reading.return?.()
    const [first, , last] = statement.columns()
    expect(first).toEqual(row({ column: 'a', database: 'main', name: 'x', table: 't', type: 'INTEGER' }))
    expect(last).toEqual(row({ column: null, database: null, name: '$v', table: null, type: null }))
    expect(statement.stat('run')).toBe(2)
    statement.resetStats()
    expect(statement.stat('run')).toBe(0)
    expect(statement.stat('memused')).toBeGreaterThan(0)
    expect(thrown(() => statement.stat('x' as never))[0]).toBe('ERR_INVALID_ARG_VALUE')
  })

  test('let go, by itself or with its database', () => {
    const db = memory()
    const [one, other] = [db.prepare('SELECT 1 a'), db.prepare('SELECT 2 a')]
    const gone = ['ERR_INVALID_STATE', 'statement has been finalized']
    one.close()
    one[Symbol.dispose]()
    expect(thrown(() => one.close())).toEqual(gone)
    expect(other.get()).toEqual(row({ a: 2 }))
    const reading = other.iterate()
    db.close()
    for (const call of [
      () => other.all(),
      () => other.sourceSQL,
      () => other.columns(),
      () => reading.next(),
    ]) {
      expect(thrown(call)).toEqual(gone)
    }
  })
})

describe('iterators', () => {
  const numbers = 'WITH n(x) AS (VALUES (1), (2), (3)) SELECT x FROM n'

  test('are read row by row, several at once, beside writes', () => {
    const db = memory()
    db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)')
    const [one, other] = [db.prepare('SELECT x FROM t').iterate(), db.prepare(numbers).iterate()]
    expect([one.next().value, other.next().value]).toEqual([row({ x: 1 }), row({ x: 1 })])
    db.exec('CREATE TABLE u (x); INSERT INTO u VALUES (1)')
    expect([...other]).toEqual([row({ x: 2 }), row({ x: 3 })])
    expect([...one]).toEqual([row({ x: 2 })])
    expect(one.next()).toEqual(row({ done: true, value: null }))
  })

  test('end when they are left', () => {
    const statement = memory().prepare(numbers)
    const iterator = statement.iterate()
    for (const _ of iterator) break
    expect(iterator.next()).toEqual(row({ done: true, value: null }))
    expect(iterator.return?.()).toEqual(row({ done: true, value: null }))
  })

  test('are of no use once their statement runs again', () => {
    const statement = memory().prepare(numbers)
    for (const again of [() => statement.get(), () => statement.run(), () => statement.iterate()]) {
      const iterator = statement.iterate()
      iterator.next()
      again()
      expect(thrown(() => iterator.next())).toEqual(['ERR_INVALID_STATE', 'iterator was invalidated'])
    }
    expect(statement.all()).toHaveLength(3)
  })

  test('write at their first row', () => {
    const db = memory()
    db.exec('CREATE TABLE t (x)')
    const count = db.prepare('SELECT count(*) n FROM t')
    const iterator = db.prepare('INSERT INTO t VALUES (1), (2) RETURNING x').iterate()
    expect(count.get()).toEqual(row({ n: 0 }))
    iterator.next()
    expect(count.get()).toEqual(row({ n: 2 }))
    iterator.return?.()
    expect(count.get()).toEqual(row({ n: 2 }))
  })
})

describe('statements by template', () => {
  test('are kept, the least recently used goes', () => {
    const db = memory()
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, x)')
    const sql = db.createTagStore(2)
    expect([sql.db, sql.capacity, sql.size]).toEqual([db, 2, 0])
    expect(sql.run`INSERT INTO t (x) VALUES (${'a'})`.changes).toBe(1)
    expect(sql.run`INSERT INTO t (x) VALUES (${'b'})`.lastInsertRowid).toBe(2)
    expect(sql.size).toBe(1)
    expect(sql.get`SELECT x FROM t WHERE id = ${1}`).toEqual(row({ x: 'a' }))
    expect(sql.all`SELECT x FROM t ORDER BY id`).toEqual([row({ x: 'a' }), row({ x: 'b' })])
    expect([...sql.iterate`SELECT id FROM t`]).toHaveLength(2)
    expect(sql.size).toBe(2)
    sql.clear()
    expect(sql.size).toBe(0)
    db.close()
    expect(thrown(() => sql.all`SELECT 1`)).toEqual(['ERR_INVALID_STATE', 'database is not open'])
    db.open()
    expect(sql.get`SELECT ${1n} v`).toEqual(row({ v: 1 }))
  })

  test('that are none', () => {
    const db = memory()
    const sql = db.createTagStore()
    expect(sql.capacity).toBe(1000)
    expect(thrown(() => sql.get('SELECT 1' as never))[0]).toBe('ERR_INVALID_ARG_TYPE')
    expect(thrown(() => sql.get`SELECT ${{} as never}`)[0]).toBe('ERR_INVALID_ARG_TYPE')
    expect(thrown(() => db.createTagStore('x' as never))[0]).toBe('ERR_INVALID_ARG_TYPE')
    for (const size of [0, -1, 1.5]) expect(thrown(() => db.createTagStore(size))[0]).toBe('ERR_OUT_OF_RANGE')
  })
})

test('transactions', () => {
  const db = memory()
  expect(db.isTransaction).toBe(false)
  db.exec('BEGIN; CREATE TABLE t (x)')
  expect(db.isTransaction).toBe(true)
  db.exec('ROLLBACK')
  expect(db.isTransaction).toBe(false)
  expect(thrown(() => db.exec('COMMIT'))[0]).toBe('ERR_SQLITE_ERROR')
})
