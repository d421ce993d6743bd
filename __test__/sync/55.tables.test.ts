import { expect, test } from 'vitest'
import { type DatabaseSync, openDatabaseSync, openStorage } from '../../index.js'
import { temporaryDirectory } from '../support.js'
import { newSync, storage, thrown } from './support.js'

const BUSY = 'This database connection is busy executing a query'
const values = (db: DatabaseSync, sql: string, ...args: unknown[]) =>
  db
    .prepare(sql)
    .pluck()
    .all(...args)

/** The numbers from `first` to `last`. */
function newRange(log: string[] = []): DatabaseSync {
  return newSync().table('range', {
    columns: ['n'],
    parameters: ['first', 'last'],
    *rows(first: number, last: number) {
      try {
        for (let n = first; n <= last; n += 1) yield [n]
      } finally {
        log.push(`end of ${first}`)
      }
    },
  })
}

test('the rows of a generator are those of a table, with its parameters as arguments', () => {
  const db = newRange()
  expect(values(db, 'SELECT n FROM range(?, ?)', 2, 4)).toEqual([2, 3, 4])
  expect(values(db, 'SELECT n FROM range WHERE last = 3 AND first = 1 AND n > 1')).toEqual([2, 3])
  expect(db.prepare('SELECT *, first, rowid FROM range(7, 7)').get()).toEqual({ n: 7, first: 7, rowid: 1 })
  db.exec('CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 2), (5, 5)')
  expect(values(db, 'SELECT n FROM t, range(a, b) ORDER BY n')).toEqual([1, 2, 5])
  expect(values(db, 'SELECT n FROM range(1, NULL)')).toEqual([])
  expect(thrown(() => db.prepare('SELECT * FROM range(1, 2, 3)'))).toMatchObject({ code: 'SQLITE_ERROR' })
  expect(thrown(() => db.exec('INSERT INTO range VALUES (1)'))).toMatchObject({
    message: 'table range may not be modified',
  })
})

test('a generator is ended where nobody wants more of its rows', () => {
  const log: string[] = []
  const db = newRange(log)
  values(db, 'SELECT n FROM range(1, 9) LIMIT 2')
  expect(log).toEqual(['end of 1'])
  for (const n of db.prepare<number>('SELECT n FROM range(2, 9)').pluck().iterate()) if (n === 4) break
  expect(log).toEqual(['end of 1', 'end of 2'])
  thrown(() => db.prepare('SELECT abs(-9223372036854775807 - n) FROM range(1, 9)').all())
  expect(log).toEqual(['end of 1', 'end of 2', 'end of 1'])
  values(db, 'SELECT n FROM range(3, 4)')
  expect(log.length).toBe(4)
  db.table('stubborn', {
    columns: ['x'],
    *rows() {
      try {
        yield [1]
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
        throw new Error('at the end')
      }
    },
  })
  expect(db.prepare('SELECT x FROM stubborn').get()).toEqual({ x: 1 })
  expect(thrown(() => db.prepare('SELECT x FROM stubborn').all()).message).toBe('at the end')
})

test('an open iterator keeps its generator until it ends, or its storage closes', async () => {
  const log: string[] = []
  const db = newRange(log)
  const iterator = db.prepare('SELECT n FROM range(5, 9)').iterate()
  expect(iterator.next().value).toEqual({ n: 5 })
  expect(thrown(() => db.close()).message).toBe(BUSY)
  expect(log).toEqual([])
  iterator.return()
  expect(log).toEqual(['end of 5'])
  db.close()
  const own = await openStorage({ store: temporaryDirectory() })
  const last = openDatabaseSync('last', { store: own })
  last.table('t', {
    columns: ['x'],
    *rows() {
      try {
        yield [1]
      } finally {
        log.push(thrown(() => last.exec('SELECT 1')).message)
      }
    },
  })
  const kept = last.prepare('SELECT x FROM t').iterate()
  expect(kept.next().value).toEqual({ x: 1 })
  await own.close()
  expect(log).toHaveLength(2)
  expect(last.open).toBe(false)
})

test('values are those that a statement takes', () => {
  const db = newSync()
  const seen: unknown[] = []
  db.table('echo', {
    columns: ['value'],
    *rows(one) {
      seen.push(one)
      yield { value: one }
    },
  })
  for (const one of [1, 1.5, 'größe', 'a\0b', Buffer.from([1, 2]), Buffer.alloc(0), '']) {
    expect(values(db, 'SELECT value FROM echo(?)', one)).toEqual([one])
    expect(values(db, 'SELECT "$1" FROM echo(?)', one)).toEqual([one])
  }
  expect(values(db, 'SELECT value FROM echo')).toEqual([null])
  expect(seen.at(-1)).toBe(undefined)
  const big = 9007199254740993n
  expect(values(db, 'SELECT value = ? FROM echo(?)', big, big)).toEqual([1])
  expect(seen.at(-1)).toBe(big)
  expect(values(db, 'SELECT typeof(value) FROM echo(1)')).toEqual(['integer'])
  db.table('safe', {
    safeIntegers: true,
    columns: ['type'],
    *rows(one) {
      yield [typeof one]
    },
  })
  expect(values(db, 'SELECT type FROM safe(1)')).toEqual(['bigint'])
  db.table('mixed', {
    columns: ['a', 'b', 'c', 'd'],
    *rows() {
      yield [true, 2n ** 62n, undefined, new Uint16Array([258])]
    },
  })
  expect(db.prepare('SELECT a, b, c, hex(d) AS d FROM mixed').safeIntegers().get()).toEqual({
    a: 1n,
    b: 2n ** 62n,
    c: null,
    d: '0201',
  })
})

test('an argument that the generator changes stays as it was', () => {
  const db = newSync()
  db.table('change', {
    columns: ['x'],
    *rows(bytes: Buffer) {
      bytes[0] = 9
      yield [bytes]
    },
  })
  const given = Buffer.from([1, 2])
  expect(db.prepare('SELECT "$1", x FROM change(?)').raw().get(given)).toEqual([
    Buffer.from([1, 2]),
    Buffer.from([9, 2]),
  ])
  expect(given[0]).toBe(1)
})

test('a row that does not fit fails, a value only where it is asked for', () => {
  const db = newSync()
  const wrong: unknown[] = []
  db.table('wrong', {
    columns: ['a', 'b'],
    *rows() {
      yield* wrong as unknown[][]
    },
  })
  const error = (row: unknown): Error => {
    wrong.splice(0, 1, row)
    return thrown(() => db.prepare('SELECT a, b FROM wrong').all())
  }
  const about = 'Virtual table module "wrong" yielded'
  for (const row of [1, 'ab', undefined, null]) {
    expect(error(row)).toMatchObject({
      name: 'TypeError',
      message: `${about} something that isn't a valid row object`,
    })
  }
  expect(error([1]).message).toBe(`${about} a row with an incorrect number of columns`)
  expect(error([1, 2, 3]).message).toBe(`${about} a row with an incorrect number of columns`)
  expect(error({ a: 1 }).message).toBe(`${about} a row with missing columns`)
  expect(error({ a: 1, B: 1 }).message).toBe(`${about} a row with an undeclared column "B"`)
  for (const value of [{}, [], new Date(), Symbol('s'), () => 1, new Error('value')]) {
    expect(error([1, value])).toMatchObject({ name: 'TypeError', message: `${about} an invalid value` })
    expect(values(db, 'SELECT a FROM wrong')).toEqual([1])
  }
  expect(error([1, 2n ** 64n])).toMatchObject({
    name: 'RangeError',
    message: `${about} a bigint that was too big`,
  })
})

test('what a generator or a factory throws is what the statement throws', () => {
  const db = newSync()
  db.exec('CREATE TABLE t (x)')
  const failure = { not: 'even an error' }
  db.table('late', {
    columns: ['x'],
    *rows() {
      yield [1]
      throw failure
    },
  })
  expect(thrown(() => db.exec('INSERT INTO t SELECT x FROM late'))).toBe(failure)
  expect(thrown(() => [...db.prepare('SELECT x FROM late').iterate()])).toBe(failure)
  expect(values(db, 'SELECT count(*) FROM t')).toEqual([0])
  expect(db.prepare('SELECT x FROM late').get()).toEqual({ x: 1 })
  db.table('make', () => {
    throw failure
  })
  expect(thrown(() => db.exec('CREATE VIRTUAL TABLE v USING make'))).toBe(failure)
  db.table('make', (() => 1) as never)
  expect(thrown(() => db.exec('CREATE VIRTUAL TABLE v USING make')).message).toBe(
    'Virtual table module "make" did not return a table definition object',
  )
  expect(values(db, 'SELECT count(*) FROM sqlite_schema')).toEqual([1])
})

test('a generator cannot use its database, but another one', () => {
  const db = newSync()
  const other = newSync()
  const select = db.prepare('SELECT 1')
  db.table('again', {
    columns: ['error'],
    *rows() {
      for (const call of [
        () => select.get(),
        () => db.exec('SELECT 1'),
        () => db.close(),
        () => db.table('x', { columns: ['x'], *rows() {} }),
      ]) {
        yield [thrown(call).message]
      }
      yield values(other, 'SELECT 5')
    },
  })
  expect(values(db, 'SELECT error FROM again')).toEqual([BUSY, BUSY, BUSY, BUSY, 5])
})

test('a factory makes tables that stay, for whoever has the module', () => {
  const seen: unknown[] = []
  const factory = function (this: unknown, ...args: string[]) {
    seen.push(this)
    return {
      columns: ['arg'],
      *rows() {
        yield* args.map((arg) => [arg])
      },
    }
  }
  const open = () => openDatabaseSync('tables', { store: storage })
  const first = open().table('args', factory)
  expect(thrown(() => first.exec('SELECT * FROM args'))).toMatchObject({ message: 'no such table: args' })
  first.exec('CREATE VIRTUAL TABLE a USING args(one two, 3)')
  expect(values(first, 'SELECT arg FROM a')).toEqual(['one two', '3'])
  first.close()
  const second = open()
  expect(thrown(() => second.prepare('SELECT arg FROM a'))).toMatchObject({ message: 'no such module: args' })
  second.table('args', factory)
  expect(values(second, 'SELECT arg FROM a')).toEqual(['one two', '3'])
  expect(seen).toEqual(Array(2).fill({ module: 'args', database: 'main', table: 'a' }))
  second.exec('DROP TABLE a')
  second.close()
})

test('views read tables that are not direct', () => {
  const db = newSync()
  const one = {
    columns: ['x'],
    *rows() {
      yield [1]
    },
  }
  db.table('plain', one).table('direct', { ...one, directOnly: true })
  db.exec('CREATE VIEW v AS SELECT x FROM plain; CREATE VIEW w AS SELECT x FROM direct')
  expect(values(db, 'SELECT x FROM v')).toEqual([1])
  expect(values(db, 'SELECT x FROM direct')).toEqual([1])
  expect(thrown(() => values(db, 'SELECT x FROM w')).message).toBe('unsafe use of virtual table "direct"')
})

test('definitions are checked', () => {
  const db = newSync() as unknown as { table(...args: unknown[]): unknown }
  const rows = function* () {}
  const wrong: [unknown, string][] = [
    [{ columns: ['x'] }, 'without a "rows" property'],
    [{ rows }, 'without a "columns" property'],
    [{ rows: () => [], columns: ['x'] }, 'with an invalid "rows" property (should be a generator function)'],
    [{ rows, columns: 'x' }, 'with an invalid "columns" property (should be an array of strings)'],
    [{ rows, columns: ['x', 1] }, 'with an invalid "columns" property (should be an array of strings)'],
    [{ rows, columns: ['x', 'x'] }, 'with duplicate column names'],
    [{ rows, columns: [] }, 'with zero columns'],
    [
      { rows, columns: ['x'], parameters: [1] },
      'with an invalid "parameters" property (should be an array of strings)',
    ],
    [{ rows, columns: ['x'], parameters: ['y', 'y'] }, 'with duplicate parameter names'],
    [
      { rows, columns: ['x'], parameters: ['x'] },
      'with column "x" which was ambiguously defined as both a column and parameter',
    ],
    [
      { rows, columns: ['x'], safeIntegers: 1 },
      'with an invalid "safeIntegers" property (should be a boolean)',
    ],
    [{ rows, columns: ['x'], directOnly: 1 }, 'with an invalid "directOnly" property (should be a boolean)'],
  ]
  for (const [definition, message] of wrong) {
    expect(thrown(() => db.table('t', definition)).message).toBe(
      `Virtual table module "t" used a table definition ${message}`,
    )
  }
  for (const args of [[], ['t'], ['t', 1], [1, { rows, columns: ['x'] }], ['', { rows, columns: ['x'] }]]) {
    expect(thrown(() => db.table(...args))).toBeInstanceOf(TypeError)
  }
  const many = Object.defineProperty(function* () {}, 'length', { value: 33 })
  expect(thrown(() => db.table('t', { rows: many, columns: ['x'] }))).toBeInstanceOf(RangeError)
})
