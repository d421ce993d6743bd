import vm from 'node:vm'
import { afterAll, expect, test } from 'vitest'
import { newDatabase, randomNumbers, rejection, seed } from './support.js'

const db = await newDatabase({ integers: 'auto' })
afterAll(() => db.close())

const kind = (value: unknown) => db.values('SELECT typeof(?1), ?1', value as never)

test.each([
  ['null', null, 'null', null],
  ['an integer', 42, 'integer', 42],
  ['a negative integer', -1, 'integer', -1],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER, 'integer', Number.MAX_SAFE_INTEGER],
  ['a fraction', 1.5, 'real', 1.5],
  ['a large number', 1e300, 'real', 1e300],
  ['a number beyond the safe integers', 2 ** 53, 'real', 2 ** 53],
  ['minus zero', -0, 'real', -0],
  ['infinity', Number.POSITIVE_INFINITY, 'real', Number.POSITIVE_INFINITY],
  ['NaN, which SQLite has not', Number.NaN, 'null', null],
  ['true', true, 'integer', 1],
  ['false', false, 'integer', 0],
  ['a bigint', 5n, 'integer', 5],
  ['the largest bigint', 2n ** 63n - 1n, 'integer', 2n ** 63n - 1n],
  ['the smallest bigint', -(2n ** 63n), 'integer', -(2n ** 63n)],
  ['text', 'hello', 'text', 'hello'],
  ['empty text', '', 'text', ''],
  ['text beyond Latin', 'größe 漢字 🐘', 'text', 'größe 漢字 🐘'],
  ['text with NUL', 'a\0b', 'text', 'a\0b'],
  ['bytes', new Uint8Array([1, 2, 3]), 'blob', new Uint8Array([1, 2, 3])],
  ['a Buffer', Buffer.from('abc'), 'blob', new Uint8Array([97, 98, 99])],
  ['no bytes', new Uint8Array(), 'blob', new Uint8Array()],
  ['a part of a buffer', new Uint8Array([9, 1, 2, 9]).subarray(1, 3), 'blob', new Uint8Array([1, 2])],
  ['an ArrayBuffer', new Uint8Array([4, 5]).buffer, 'blob', new Uint8Array([4, 5])],
  ['doubles by their bytes', new Float64Array([1]), 'blob', new Uint8Array([0, 0, 0, 0, 0, 0, 240, 63])],
  ['clamped bytes', new Uint8ClampedArray([1]), 'blob', new Uint8Array([1])],
  ['a DataView', new DataView(new Uint8Array([7, 8, 9]).buffer, 1), 'blob', new Uint8Array([8, 9])],
  ['shared memory', new SharedArrayBuffer(2), 'blob', new Uint8Array(2)],
])('%s binds', async (_, value, type, back) => {
  expect(await kind(value)).toEqual([[type, back]])
})

test.each([
  ['undefined', undefined, 'pass null'],
  ['a Date', new Date(0), 'date.getTime()'],
  ['a symbol', Symbol('s'), 'a symbol'],
  ['a function', () => 1, 'a function'],
  ['a Map', new Map(), 'a Map'],
  ['a RegExp', /x/, 'a RegExp'],
  ['an Error', new Error('x'), 'an Error'],
  ['a boxed number', Object(1), 'a Number'],
])('%s does not bind', async (_, value, hint) => {
  const error = await rejection(db.get('SELECT ?1, ?2', 1, value as never))
  expect(error).toBeInstanceOf(TypeError)
  expect(error.message.replace('a Error', 'an Error')).toContain(hint)
  expect(error.message).toContain('parameter 2')
})

test('a bigint beyond 64 bits is a RangeError', async () => {
  for (const value of [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n]) {
    expect(await rejection(db.get('SELECT ?', value))).toBeInstanceOf(RangeError)
  }
})

test('named parameters are one plain object', async () => {
  expect(await db.get('SELECT :a AS a, @b AS b, $c AS c', { a: 1, b: 2, c: 3 })).toEqual({ a: 1, b: 2, c: 3 })
  expect(await db.get('SELECT :a AS a, $c AS c', { ':a': 1, $c: 3 })).toEqual({ a: 1, c: 3 })
  expect(await db.get('SELECT :a AS a', Object.assign(Object.create(null), { a: 1 }))).toEqual({ a: 1 })
  expect(await db.get('SELECT :a AS a', vm.runInNewContext('({ a: 1 })'))).toEqual({ a: 1 })
  for (const wrong of [{ a: 1 }, { a: 1, b: 2, c: 3 }, {}] as Record<string, number>[]) {
    expect(await rejection(db.get('SELECT :a, :b', wrong))).toBeInstanceOf(RangeError)
  }
  class Point {
    a = 1
  }
  expect(await rejection(db.get('SELECT :a', new Point() as never))).toBeInstanceOf(TypeError)
  expect(await rejection(db.get('SELECT ?, ?', 1, { a: 1 } as never))).toBeInstanceOf(TypeError)
})

test('positional parameters are counted', async () => {
  expect(await db.get('SELECT ? AS a, ? AS b', [1, 2])).toEqual({ a: 1, b: 2 })
  for (const args of [[], [1], [1, 2, 3], [[1]], [[1, 2, 3]]]) {
    expect(await rejection(db.get('SELECT ?, ?', ...(args as number[])))).toBeInstanceOf(RangeError)
  }
})

test('an integer that a number cannot hold is an error, a bigint, or asked for', async () => {
  const large = '9007199254740993'
  const numbers = await newDatabase()
  const error = await rejection(numbers.get(`SELECT ${large} AS big`))
  expect(error).toBeInstanceOf(RangeError)
  expect(error.message).toContain('"big"')
  expect(await numbers.get('SELECT 9007199254740991 AS big')).toEqual({ big: 9007199254740991 })
  await numbers.close()
  const bigints = await newDatabase({ integers: 'bigint' })
  expect(await bigints.get(`SELECT ${large} AS big, 1 AS one, 1.0 AS real`)).toEqual({
    big: BigInt(large),
    one: 1n,
    real: 1,
  })
  await bigints.close()
  expect(await db.get(`SELECT ${large} AS big, 1 AS one`)).toEqual({ big: BigInt(large), one: 1 })
})

test('a rowid beyond the numbers is a bigint and no error', async () => {
  const numbers = await newDatabase()
  await numbers.exec('CREATE TABLE t (a INTEGER PRIMARY KEY)')
  expect((await numbers.run('INSERT INTO t VALUES (?)', 2n ** 60n)).lastInsertRowid).toBe(2n ** 60n)
  await numbers.close()
})

test('bytes are taken when the call is made', async () => {
  const bytes = new Uint8Array([1, 1, 1])
  const reading = db.pluck('SELECT ?', bytes)
  bytes.fill(9)
  expect(await reading).toEqual(new Uint8Array([1, 1, 1]))
  const rows = db.batch([{ sql: 'SELECT ?', args: [bytes] }])
  bytes.fill(7)
  expect((await rows)[0]?.rows).toEqual([[new Uint8Array([9, 9, 9])]])
})

test('a getter that calls back does not mix calls up', async () => {
  const inner: Promise<unknown>[] = []
  const outer = db.get('SELECT :a AS a, :b AS b', {
    a: 1,
    get b() {
      inner.push(db.get('SELECT ? AS inner', 3))
      return 2
    },
  })
  expect(await outer).toEqual({ a: 1, b: 2 })
  expect(await Promise.all(inner)).toEqual([{ inner: 3 }])
})

test('a call that fails while it is written leaves the others alone', async () => {
  const before = db.pluck('SELECT ?', 'before')
  const broken = db.pluck('SELECT ?, ?', 'text', undefined as never)
  const throwing = db.pluck('SELECT :a', {
    get a(): number {
      throw new Error('getter')
    },
  })
  const after = db.pluck('SELECT ?', 'after')
  expect((await rejection(throwing)).message).toBe('getter')
  expect(await rejection(broken)).toBeInstanceOf(TypeError)
  expect(await Promise.all([before, after])).toEqual(['before', 'after'])
})

test(`any value binds or is refused with a type, SEED=${seed}`, async () => {
  const random = randomNumbers()
  const detached = new ArrayBuffer(8)
  structuredClone(detached, { transfer: [detached] })
  const strange: unknown[] = [
    undefined,
    null,
    Symbol(),
    () => 0,
    class {},
    new Date(Number.NaN),
    new Proxy({}, {}),
    new Proxy([], {}),
    detached,
    new WeakMap(),
    Promise.resolve(),
    [],
    [[]],
    [1, [2]],
    {},
    { a: {} },
    Object.create({ a: 1 }),
    new Error(),
    -0,
    Number.NaN,
    2n ** 100n,
    -1n,
    '\ud800',
    'x\0y',
    'ﬀ',
    new Uint8Array(0),
    new BigInt64Array([1n]),
    new Array(3),
    arguments_(1, 2),
    new SharedArrayBuffer(1),
    new DataView(new ArrayBuffer(4)),
    Buffer.alloc(3),
    globalThis,
    JSON,
    new String('s'),
    1e308,
    { length: 2, 0: 1, 1: 2 },
    { toString: null },
    { __proto__: null },
  ]
  const pick = () => strange[Math.floor(random() * strange.length)]
  let bound = 0
  for (let round = 0; round < 2000; round += 1) {
    const args = Array.from({ length: Math.floor(random() * 4) }, pick)
    const marks = ['', '?', '?, ?', ':a', '?1, :b'][Math.floor(random() * 5)] as string
    try {
      await db.values(`SELECT 1${marks && `, ${marks}`}`, ...(args as never[]))
      bound += 1
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof RangeError)) throw error
    }
  }
  expect(bound).toBeGreaterThan(0)
  expect(await db.pluck('SELECT 1')).toBe(1)
})

function arguments_(..._: number[]): unknown {
  // biome-ignore lint/complexity/noArguments: the object itself is what is tested
  return arguments
}

test(`values come back as they went in, SEED=${seed}`, async () => {
  const random = randomNumbers(seed + 1)
  const whole = (max: number) => Math.floor(random() * max)
  const make = [
    () => null,
    () => whole(2 ** 31) - 2 ** 30,
    () => random() * 10 ** (whole(600) - 300) * (random() < 0.5 ? -1 : 1),
    () => BigInt(whole(2 ** 31)) * BigInt(whole(2 ** 31)) * 2n - 2n ** 62n,
    () => String.fromCodePoint(...Array.from({ length: whole(20) }, () => whole(0xd7ff))),
    () => Uint8Array.from({ length: whole(50) }, () => whole(256)),
  ]
  await db.exec('CREATE TABLE IF NOT EXISTS trip (n INTEGER PRIMARY KEY, a, b, c)')
  const rows = Array.from({ length: 500 }, (_, n) => [
    n,
    ...Array.from({ length: 3 }, () => make[whole(make.length)]?.() ?? null),
  ])
  await db.batch('INSERT INTO trip VALUES (?, ?, ?, ?)', rows)
  const plain = (value: unknown) =>
    typeof value === 'bigint' && value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
      ? Number(value)
      : value
  expect(await db.values('SELECT * FROM trip ORDER BY n')).toEqual(rows.map((row) => row.map(plain)))
})

test('an integer that fails a RETURNING or a batch says that the statement has run', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a)')
  const message = expect.stringContaining('has run, and what it wrote stays')
  const sql = 'INSERT INTO t VALUES (9007199254740993) RETURNING a'
  expect(await rejection(db.all(sql))).toMatchObject({ code: 'ERR_OUT_OF_RANGE', message })
  expect(await rejection(db.batch([sql, sql]))).toMatchObject({ code: 'ERR_OUT_OF_RANGE', message })
  expect(await db.pluck('SELECT count(*) FROM t')).toBe(3)
  await db.close()
})

test('a text that no string holds fails alone, and later rows are right', async () => {
  const db = await newDatabase({ limits: { length: 1_000_000_000 } })
  const large = db.all("SELECT 1 AS n, printf('%.*c', 600000000, 'x') AS t")
  const others = ['a', 'b', 'c'].map((name) => db.all(`SELECT 1 AS ${name}`))
  expect(await rejection(large)).toMatchObject({ code: 'ERR_LIMIT' })
  expect(await Promise.all(others)).toEqual([[{ a: 1 }], [{ b: 1 }], [{ c: 1 }]])
  expect(await db.all("SELECT 1 AS n, 'y' AS t")).toEqual([{ n: 1, t: 'y' }])
  await db.close()
})
