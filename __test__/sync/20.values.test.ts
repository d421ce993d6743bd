import { expect, test } from 'vitest'
import { newSync, thrown } from './support.js'

const db = newSync()
const kind = db.prepare('SELECT typeof(?1) AS type, ?1 AS value').raw()

test.each([
  ['null', null, 'null', null],
  ['a whole number', 42, 'integer', 42],
  ['a large whole number', 2 ** 40, 'integer', 2 ** 40],
  ['a fraction', 1.5, 'real', 1.5],
  ['a number beyond the safe integers', 2 ** 53, 'real', 2 ** 53],
  ['minus zero', -0, 'real', -0],
  ['infinity', Number.NEGATIVE_INFINITY, 'real', Number.NEGATIVE_INFINITY],
  ['NaN', Number.NaN, 'null', null],
  ['true', true, 'integer', 1],
  ['false', false, 'integer', 0],
  ['a bigint', -7n, 'integer', -7],
  ['text', 'größe 漢字 🐘', 'text', 'größe 漢字 🐘'],
  ['text with NUL', 'a\0b', 'text', 'a\0b'],
  ['no text', '', 'text', ''],
  ['bytes', new Uint8Array([1, 2]), 'blob', Buffer.from([1, 2])],
  ['no bytes', Buffer.alloc(0), 'blob', Buffer.alloc(0)],
  ['an ArrayBuffer', new Uint8Array([3]).buffer, 'blob', Buffer.from([3])],
  ['doubles by their bytes', new Float64Array([1]), 'blob', Buffer.from([0, 0, 0, 0, 0, 0, 240, 63])],
  ['a part of a buffer', new Uint8Array([9, 8, 7]).subarray(1, 2), 'blob', Buffer.from([8])],
])('%s binds', (_, value, type, back) => {
  expect(kind.get(value)).toEqual([type, back])
  expect(kind.all([value])).toEqual([[type, back]])
})

test('blobs come out as Buffers', () => {
  const rows = db.prepare("SELECT x'01' AS a, 2 AS b, x'0304' AS c UNION ALL SELECT x'05', NULL, x''").all()
  expect(rows).toEqual([
    { a: Buffer.from([1]), b: 2, c: Buffer.from([3, 4]) },
    { a: Buffer.from([5]), b: null, c: Buffer.alloc(0) },
  ])
  expect(rows.every((row) => Buffer.isBuffer(row['a']) && Buffer.isBuffer(row['c']))).toBe(true)
})

test.each([
  ['undefined', undefined],
  ['a Date', new Date()],
  ['a Map', new Map()],
  ['a symbol', Symbol('s')],
  ['a function', () => 1],
])('%s does not bind', (_, value) => {
  expect(thrown(() => db.prepare('SELECT ?, ?').get(1, value))).toMatchObject({
    name: 'TypeError',
    message: expect.stringContaining('parameter 2'),
  })
})

test('a bigint beyond 64 bits is a RangeError', () => {
  expect(thrown(() => kind.get(2n ** 63n))).toBeInstanceOf(RangeError)
  expect(
    db
      .prepare('SELECT ?')
      .safeIntegers()
      .pluck()
      .get(-(2n ** 63n)),
  ).toBe(-(2n ** 63n))
})

test('values are counted', () => {
  const two = db.prepare('SELECT ?, ?').raw()
  expect(two.get([1], 2)).toEqual([1, 2])
  expect(two.get([1, 2], [])).toEqual([1, 2])
  expect(thrown(() => two.get(1))).toMatchObject({
    name: 'RangeError',
    message: 'Too few parameter values were provided',
  })
  expect(thrown(() => two.get(1, 2, 3))).toMatchObject({
    name: 'RangeError',
    message: 'Too many parameter values were provided',
  })
})

test('named values are one plain object, beside others', () => {
  const named = db.prepare('SELECT :a, @b, $c').raw()
  expect(named.get({ a: 1, b: 2, c: 3, d: 4 })).toEqual([1, 2, 3])
  expect(named.get({ ':a': 1, '@b': 2, $c: 3 })).toEqual([1, 2, 3])
  expect(thrown(() => named.get({ a: 1, b: 2 }))).toMatchObject({
    name: 'RangeError',
    message: 'Missing named parameter "c"',
  })
  expect(thrown(() => named.get(1, 2, 3))).toBeInstanceOf(RangeError)
  expect(thrown(() => named.get())).toMatchObject({ message: 'Missing named parameters' })
  expect(thrown(() => named.get({ a: 1, b: 2, c: 3 }, {}))).toBeInstanceOf(TypeError)
  expect(thrown(() => named.get(Object.create({ a: 1 })))).toBeInstanceOf(TypeError)
  const mixed = db.prepare('SELECT ?, :a, ?').raw()
  expect(mixed.get(1, { a: 2 }, 3)).toEqual([1, 2, 3])
  expect(mixed.get({ a: 2 }, [1, 3])).toEqual([1, 2, 3])
  const numbered = db.prepare('SELECT ?2, ?1').raw()
  expect(numbered.get('x', 'y')).toEqual(['y', 'x'])
  expect(numbered.get({ 1: 'x', 2: 'y' })).toEqual(['y', 'x'])
})

test('values are bound for good once', () => {
  const statement = db.prepare('SELECT ? AS x')
  const bytes = Buffer.from('abc')
  expect(statement.bind(bytes)).toBe(statement)
  bytes.fill(0)
  expect(statement.get()).toEqual({ x: Buffer.from('abc') })
  expect(statement.all()).toEqual([{ x: Buffer.from('abc') }])
  expect(thrown(() => statement.bind(1))).toBeInstanceOf(TypeError)
  expect(thrown(() => statement.get(1))).toMatchObject({
    message: 'This statement already has bound parameters',
  })
})

test('integers beyond a number', () => {
  const beyond = 'SELECT 9007199254740993 AS x'
  expect(thrown(() => db.prepare(beyond).get())).toMatchObject({
    name: 'RangeError',
    code: 'ERR_OUT_OF_RANGE',
  })
  expect(thrown(() => [...db.prepare(beyond).iterate()])).toBeInstanceOf(RangeError)
  expect(db.prepare(beyond).safeIntegers().get()).toEqual({ x: 9007199254740993n })
  expect(db.prepare(beyond).safeIntegers().safeIntegers(false).source).toBe(beyond)
  const auto = newSync({ integers: 'auto' })
  expect(auto.prepare(`${beyond}, 1 AS y`).get()).toEqual({ x: 9007199254740993n, y: 1 })
  const bigint = newSync({ integers: 'bigint' })
  expect(bigint.prepare('SELECT 1 AS x').get()).toEqual({ x: 1n })
  expect(bigint.prepare('SELECT 1 AS x').safeIntegers(false).get()).toEqual({ x: 1 })
  expect(bigint.defaultSafeIntegers(false).prepare('SELECT 1 AS x').get()).toEqual({ x: 1 })
  bigint.exec('CREATE TABLE t (x INTEGER PRIMARY KEY)')
  const insert = bigint.prepare('INSERT INTO t VALUES (?)').safeIntegers()
  expect(insert.run(2n ** 60n)).toEqual({ changes: 1, lastInsertRowid: 2n ** 60n })
})

test('rows that are wide, and many', () => {
  const columns = Array.from({ length: 100 }, (_, index) => `${index} AS c${index}`).join(', ')
  expect(Object.values(db.prepare(`SELECT ${columns}`).get() as object)).toHaveLength(100)
  const count =
    'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 50000) SELECT x, x || 0 FROM n'
  const rows = db.prepare(count).raw().all()
  expect(rows).toHaveLength(50_000)
  expect(rows[49_999]).toEqual([50_000, '500000'])
})
