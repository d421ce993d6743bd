/** The module `node:sqlite` over actors: what its users rely on, and what is ours. */

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sqlite, { backup, constants, DatabaseSync, Session, StatementSync } from 'actor-sqlite/node-sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { openDatabaseSync, openStorage, StorageError } from '../../index.js'
import { temporaryDirectory } from '../support.js'

const directory = temporaryDirectory()
const open: DatabaseSync[] = []
afterAll(() => {
  for (const db of open) if (db.isOpen) db.close()
})

let files = 0
const nextPath = (): string => join(directory, `file-${++files}.db`)

type Options = ConstructorParameters<typeof DatabaseSync>[1]

function memory(options?: Options): DatabaseSync {
  const db = options === undefined ? new DatabaseSync(':memory:') : new DatabaseSync(':memory:', options)
  open.push(db)
  return db
}

/** What a call threw: code, message, and SQLite's number where there is one. */
function thrown(call: () => unknown): unknown[] {
  try {
    call()
  } catch (error) {
    const { code, message, errcode, errstr } = error as Error & Record<string, unknown>
    return errcode === undefined ? [code, message] : [code, message, errcode, errstr]
  }
  throw new Error('nothing was thrown')
}

const row = (columns: object): object => Object.assign(Object.create(null), columns)

describe('the module', () => {
  test('has the names of the one of Node', () => {
    expect(Object.keys(sqlite).sort()).toEqual(
      expect.arrayContaining(['DatabaseSync', 'Session', 'StatementSync']),
    )
    expect(sqlite.DatabaseSync).toBe(DatabaseSync)
    expect([DatabaseSync, StatementSync, Session].map((type) => type.name)).toEqual([
      'DatabaseSync',
      'StatementSync',
      'Session',
    ])
    expect(constants.SQLITE_CHANGESET_REPLACE).toBe(1)
    expect(constants.SQLITE_RECURSIVE).toBe(33)
  })

  test('classes say how they cannot be called', () => {
    const call = DatabaseSync as unknown as () => void
    expect(thrown(() => call())).toEqual([
      'ERR_CONSTRUCT_CALL_REQUIRED',
      'Cannot call constructor without `new`',
    ])
    expect(thrown(() => new StatementSync())).toEqual(['ERR_ILLEGAL_CONSTRUCTOR', 'Illegal constructor'])
    expect(thrown(() => new Session())).toEqual(['ERR_ILLEGAL_CONSTRUCTOR', 'Illegal constructor'])
    const db = memory()
    expect(db).toBeInstanceOf(DatabaseSync)
    expect(db.prepare('SELECT 1')).toBeInstanceOf(StatementSync)
    expect(db.createSession()).toBeInstanceOf(Session)
    expect(Object.getOwnPropertyDescriptor(db, Symbol.for('sqlite-type'))?.value).toBe('node:sqlite')
    class Mine extends DatabaseSync {
      answer = 42
    }
    const mine = new Mine(':memory:')
    expect([mine instanceof DatabaseSync, mine.answer, mine.isOpen]).toEqual([true, 42, true])
    mine.close()
  })

  test.runIf('require' in process.features)('can be required', () => {
    const required = createRequire(import.meta.url)('actor-sqlite/node-sqlite')
    expect(required.DatabaseSync).toBe(DatabaseSync)
  })
})

describe('where databases are', () => {
  test('beside the named file, and there again after the close', () => {
    const path = nextPath()
    const db = new DatabaseSync(path)
    db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)')
    expect(db.location()).toBe(path)
    expect(db.location('temp')).toBeNull()
    db.close()
    expect(existsSync(join(directory, '.actor-sqlite'))).toBe(true)
    for (const again of [path, Buffer.from(path), pathToFileURL(path), pathToFileURL(path).href]) {
      const next = new DatabaseSync(again)
      expect(next.prepare('SELECT x FROM t').get()).toEqual(row({ x: 1 }))
      next.close()
    }
  })

  test('in the store that is said', async () => {
    const store = join(directory, 'store')
    const db = new DatabaseSync('room-42', { store })
    db.exec('CREATE TABLE t (x)')
    db.close()
    const actor = openDatabaseSync('room-42', { store })
    expect(actor.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['t'])
    actor.close()

    const storage = await openStorage({ store })
    const inside = new DatabaseSync('room-43', { store: storage })
    const statement = inside.prepare('SELECT 1')
    await storage.close()
    expect(inside.isOpen).toBe(false)
    expect(thrown(() => statement.get())).toEqual(['ERR_INVALID_STATE', 'statement has been finalized'])
    expect(thrown(() => new DatabaseSync('x', { store: 5 as never }))[0]).toBe('ERR_INVALID_ARG_TYPE')
  })

  test('or in the one of the environment', () => {
    const store = join(directory, 'environment')
    process.env['ACTOR_SQLITE_STORE'] = store
    try {
      const db = new DatabaseSync('a/name/with/slashes')
      expect(db.location()).toBe('a/name/with/slashes')
      db.close()
      expect(existsSync(store)).toBe(true)
    } finally {
      delete process.env['ACTOR_SQLITE_STORE']
    }
  })

  test('in memory, each for itself', () => {
    for (const name of [':memory:', '', 'file::memory:', 'file:x?mode=memory']) {
      const [one, other] = [new DatabaseSync(name), new DatabaseSync(name)]
      one.exec('CREATE TABLE t (x)')
      other.exec('CREATE TABLE t (x)')
      expect(one.location()).toBeNull()
      one.close()
      other.close()
    }
  })

  test('a database that must be there and is not', () => {
    const missing = ['ERR_SQLITE_ERROR', 'unable to open database file', 14, 'unable to open database file']
    expect(thrown(() => new DatabaseSync(nextPath(), { readOnly: true }))).toEqual(missing)
    expect(thrown(() => new DatabaseSync(join(directory, 'no', 'where.db')))).toEqual(missing)
    expect(thrown(() => new DatabaseSync(`${pathToFileURL(nextPath())}?mode=rw`))).toEqual(missing)
  })

  test('read only, by option and by URL', () => {
    const path = nextPath()
    const db = new DatabaseSync(path)
    db.exec('CREATE TABLE t (x)')
    db.close()
    const readonly = new DatabaseSync(path, { readOnly: true })
    const refused = ['ERR_SQLITE_ERROR', 'attempt to write a readonly database', 8]
    expect(thrown(() => readonly.exec('INSERT INTO t VALUES (1)')).slice(0, 3)).toEqual(refused)
    readonly.close()
    const byUrl = new DatabaseSync(`${pathToFileURL(path)}?mode=ro`)
    expect(thrown(() => byUrl.exec('INSERT INTO t VALUES (1)')).slice(0, 3)).toEqual(refused)
    byUrl.close()
    const inMemory = memory({ readOnly: true })
    expect(thrown(() => inMemory.exec('CREATE TABLE t (x)')).slice(0, 3)).toEqual(refused)
  })

  test('one owner: who opens a second time fences the first', () => {
    const path = nextPath()
    const [first, second] = [new DatabaseSync(path), new DatabaseSync(path)]
    second.exec('CREATE TABLE t (x)')
    expect(() => first.exec('CREATE TABLE t (x)')).toThrow(StorageError)
    second.close()
    expect(() => first.close()).not.toThrow()
  })

  test('paths that are none', () => {
    const message = 'The "path" argument must be a string, Uint8Array, or URL without null bytes.'
    for (const path of [undefined, 5, {}, 'a\0b', Buffer.from('a\0b')]) {
      expect(thrown(() => new DatabaseSync(path as never))).toEqual(['ERR_INVALID_ARG_TYPE', message])
    }
    expect(thrown(() => new DatabaseSync(new URL('http://example.com')))).toEqual([
      'ERR_INVALID_URL_SCHEME',
      'The URL must be of scheme file:',
    ])
  })
})

describe('options', () => {
  test('of the wrong type', () => {
    const wrong: [Record<string, unknown> | null | undefined, string][] = [
      [null, 'The "options" argument must be an object.'],
      [undefined, 'The "options" argument must be an object.'],
      [{ open: 1 }, 'The "options.open" argument must be a boolean.'],
      [{ readOnly: 1 }, 'The "options.readOnly" argument must be a boolean.'],
      [
        { enableForeignKeyConstraints: 1 },
        'The "options.enableForeignKeyConstraints" argument must be a boolean.',
      ],
      [{ timeout: 0.5 }, 'The "options.timeout" argument must be an integer.'],
      [{ defensive: null }, 'The "options.defensive" argument must be a boolean.'],
      [{ readBigInts: 'yes' }, 'The "options.readBigInts" argument must be a boolean.'],
      [{ limits: 1 }, 'The "options.limits" argument must be an object.'],
      [{ limits: { length: Infinity } }, 'The "options.limits.length" argument must be an integer.'],
    ]
    for (const [options, message] of wrong) {
      expect(thrown(() => new DatabaseSync(':memory:', options as never))).toEqual([
        'ERR_INVALID_ARG_TYPE',
        message,
      ])
    }
    expect(thrown(() => memory({ limits: { column: -1 } }))).toEqual([
      'ERR_OUT_OF_RANGE',
      'The "options.limits.column" argument must be non-negative.',
    ])
  })

  test('open later, closed, opened again', () => {
    const db = memory({ open: false })
    const closed = ['ERR_INVALID_STATE', 'database is not open']
    expect(db.isOpen).toBe(false)
    for (const call of [
      () => db.close(),
      () => db.exec('SELECT 1'),
      () => db.prepare('SELECT 1'),
      () => db.isTransaction,
      () => db.location(),
      () => db.limits.length,
      () => db.createSession(),
      () => db.createTagStore(),
      () => db.setAuthorizer(null),
      () => db.applyChangeset(new Uint8Array()),
    ]) {
      expect(thrown(call)).toEqual(closed)
    }
    db.open()
    expect(thrown(() => db.open())).toEqual(['ERR_INVALID_STATE', 'database is already open'])
    db.exec('CREATE TABLE t (x)')
    db.close()
    db[Symbol.dispose]()
    db.open()
    expect(db.prepare('SELECT count(*) n FROM sqlite_schema').get()).toEqual(row({ n: 0 }))
  })

  test('foreign keys, double quotes, defence', () => {
    const keys =
      'CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a REFERENCES a); INSERT INTO b VALUES (1)'
    expect(thrown(() => memory().exec(keys)).slice(0, 3)).toEqual([
      'ERR_SQLITE_ERROR',
      'FOREIGN KEY constraint failed',
      787,
    ])
    memory({ enableForeignKeyConstraints: false }).exec(keys)
    expect(thrown(() => memory().exec('SELECT "text"'))[0]).toBe('ERR_SQLITE_ERROR')
    memory({ enableDoubleQuotedStringLiterals: true }).exec('SELECT "text"')
    const shadow = 'CREATE VIRTUAL TABLE f USING fts5(x); DELETE FROM f_data'
    expect(thrown(() => memory().exec(shadow))[0]).toBe('ERR_SQLITE_ERROR')
    memory({ defensive: false }).exec(shadow)
    const db = memory()
    db.enableDefensive(false)
    db.exec(shadow)
    db.enableDefensive(true)
    expect(thrown(() => db.exec('DELETE FROM f_data'))[0]).toBe('ERR_SQLITE_ERROR')
    expect(thrown(() => db.enableDefensive(1 as never))[0]).toBe('ERR_INVALID_ARG_TYPE')
  })

  test('extensions are refused', () => {
    expect(thrown(() => memory({ allowExtension: true }))[0]).toBe('ERR_SQLITE_ERROR')
    const db = memory({ allowExtension: false })
    db.enableLoadExtension(false)
    expect(thrown(() => db.enableLoadExtension(true))[0]).toBe('ERR_INVALID_STATE')
    expect(thrown(() => db.loadExtension('x'))).toEqual([
      'ERR_INVALID_STATE',
      'extension loading is not allowed',
    ])
  })

  test('limits are properties', () => {
    const db = memory({ limits: { column: 3 } })
    expect(db.limits.column).toBe(3)
    expect(Object.keys(db.limits)).toHaveLength(11)
    expect(thrown(() => db.exec('CREATE TABLE t (a, b, c, d)'))[1]).toMatch(/too many columns/)
    db.limits.column = Infinity
    expect(db.limits.column).toBe(2000)
    db.limits.sqlLength = 10
    expect(thrown(() => db.exec('SELECT 1 + 1 + 1'))[2]).toBe(18)
    expect(thrown(() => Object.assign(db.limits, { length: -1 }))).toEqual([
      'ERR_OUT_OF_RANGE',
      'Limit value must be non-negative.',
    ])
    for (const value of [null, 'x', 1.5, -Infinity]) {
      expect(thrown(() => Object.assign(db.limits, { length: value }))).toEqual([
        'ERR_INVALID_ARG_TYPE',
        'Limit value must be a non-negative integer or Infinity.',
      ])
    }
  })
})

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

describe('changes', () => {
  const table = 'CREATE TABLE t (id INTEGER PRIMARY KEY, x UNIQUE)'

  function recorded(sql: string): Uint8Array {
    const db = memory()
    db.exec(table)
    const session = db.createSession()
    db.exec(sql)
    return session.changeset()
  }

  test('of one database are made in another', () => {
    const [from, to] = [memory(), memory()]
    for (const db of [from, to]) db.exec(`${table}; CREATE TABLE u (id INTEGER PRIMARY KEY)`)
    const [all, one] = [from.createSession(), from.createSession({ table: 'u' })]
    const temporary = from.createSession({ db: 'temp' })
    from.exec("INSERT INTO t VALUES (1, 'a'); INSERT INTO u VALUES (7)")
    expect(temporary.changeset()).toEqual(new Uint8Array())
    expect(one.patchset().length).toBeLessThan(all.patchset().length)
    expect(to.applyChangeset(all.changeset(), { filter: (name) => name === 't' })).toBe(true)
    expect(to.prepare('SELECT (SELECT count(*) FROM t) t, (SELECT count(*) FROM u) u').get()).toEqual(
      row({ t: 1, u: 0 }),
    )
    expect(to.applyChangeset(one.patchset())).toBe(true)
    all.close()
    expect(thrown(() => all.changeset())).toEqual(['ERR_INVALID_STATE', 'session is not open'])
    one[Symbol.dispose]()
    one[Symbol.dispose]()
    from.close()
    expect(thrown(() => temporary.changeset())).toEqual(['ERR_INVALID_STATE', 'database is not open'])
  })

  test('that do not fit are asked about', () => {
    const changes = recorded("INSERT INTO t VALUES (1, 'new')")
    const apply = (onConflict?: (kind: number) => number): [boolean, unknown] => {
      const db = memory()
      db.exec(`${table}; INSERT INTO t VALUES (1, 'old')`)
      const applied = db.applyChangeset(changes, onConflict === undefined ? {} : { onConflict })
      return [applied, db.prepare('SELECT x FROM t').get()?.['x']]
    }
    const kinds: number[] = []
    expect(apply()).toEqual([false, 'old'])
    expect(apply((kind) => kinds.push(kind) && constants.SQLITE_CHANGESET_ABORT)).toEqual([false, 'old'])
    expect(apply(() => constants.SQLITE_CHANGESET_OMIT)).toEqual([true, 'old'])
    expect(apply(() => constants.SQLITE_CHANGESET_REPLACE)).toEqual([true, 'new'])
    expect(kinds).toEqual([constants.SQLITE_CHANGESET_CONFLICT])
    const misuse = [
      'ERR_SQLITE_ERROR',
      'bad parameter or other API misuse',
      21,
      'bad parameter or other API misuse',
    ]
    for (const answer of [-1, 9, null, {}, Promise.resolve(0)]) {
      expect(thrown(() => apply(() => answer as number))).toEqual(misuse)
    }
  })

  test('what a handler throws comes through unchanged, and nothing is applied', () => {
    const changes = recorded("INSERT INTO t VALUES (1, 'new'), (2, 'more')")
    const db = memory()
    db.exec(`${table}; INSERT INTO t VALUES (1, 'old')`)
    for (const mistake of [new Error('mine'), 'a text', undefined]) {
      for (const options of ['filter', 'onConflict'].map((name) => ({
        [name]: () => {
          throw mistake
        },
      }))) {
        let caught: unknown = 'nothing'
        try {
          db.applyChangeset(changes, options)
        } catch (error) {
          caught = error
        }
        expect(caught).toBe(mistake)
      }
    }
    expect(db.prepare('SELECT x FROM t', { returnArrays: true }).all()).toEqual([['old']])
    expect(db.applyChangeset(changes, { onConflict: () => 0 })).toBe(true)
  })

  test('a handler cannot use the database, nor close it', () => {
    const changes = recorded("INSERT INTO t VALUES (1, 'new')")
    const db = memory()
    db.exec(table)
    const inside = (call: () => void): unknown[] =>
      thrown(() => db.applyChangeset(changes, { filter: () => call() === undefined }))
    expect(inside(() => db.exec('SELECT 1'))[0]).toBe('ERR_INVALID_STATE')
    expect(inside(() => db.close())).toEqual([
      'ERR_INVALID_STATE',
      'database cannot be closed while in a callback',
    ])
    expect(db.applyChangeset(changes)).toBe(true)
  })

  test('arguments that are wrong', () => {
    const db = memory()
    expect(thrown(() => db.applyChangeset('x' as never))[1]).toBe(
      'The "changeset" argument must be a Uint8Array.',
    )
    expect(thrown(() => db.applyChangeset(new Uint8Array(3))).slice(0, 3)).toEqual([
      'ERR_SQLITE_ERROR',
      'database disk image is malformed',
      11,
    ])
    expect(db.applyChangeset(new Uint8Array())).toBe(true)
    for (const options of [{ filter: 1 }, { onConflict: 1 }, 1]) {
      expect(thrown(() => db.applyChangeset(new Uint8Array(), options as never))[0]).toBe(
        'ERR_INVALID_ARG_TYPE',
      )
    }
    for (const options of [{ table: 1 }, { db: 1 }, null]) {
      expect(thrown(() => db.createSession(options as never))[0]).toBe('ERR_INVALID_ARG_TYPE')
    }
  })
})

describe('an authorizer', () => {
  test('is asked in the words of SQLite, also about what was compiled before it', () => {
    const db = memory()
    const before = db.prepare('SELECT 1')
    const asked: unknown[][] = []
    db.setAuthorizer((...question) => {
      asked.push(question)
      return constants.SQLITE_OK
    })
    db.exec('CREATE TABLE t (a)')
    expect(asked[0]).toEqual([constants.SQLITE_INSERT, 'sqlite_master', null, 'main', null])
    asked.length = 0
    before.get()
    expect(asked).toEqual([[constants.SQLITE_SELECT, null, null, null, null]])
    db.setAuthorizer(null)
    before.get()
    expect(asked).toHaveLength(1)
  })

  test('denies, ignores, and cannot allow what the store denies', () => {
    const db = memory()
    db.exec("CREATE TABLE t (a, b); INSERT INTO t VALUES ('a', 'b')")
    db.setAuthorizer((action, _, column) =>
      action === constants.SQLITE_READ && column === 'b' ? constants.SQLITE_IGNORE : constants.SQLITE_OK,
    )
    expect(db.prepare('SELECT a, b FROM t').get()).toEqual(row({ a: 'a', b: null }))
    expect(thrown(() => db.exec("ATTACH 'x' AS y")).slice(0, 3)).toEqual([
      'ERR_SQLITE_ERROR',
      'not authorized',
      23,
    ])
    db.setAuthorizer(() => constants.SQLITE_DENY)
    expect(thrown(() => db.prepare('SELECT 1')).slice(1, 3)).toEqual(['not authorized', 23])
  })

  test('that throws, or answers something else', () => {
    const db = memory()
    const mistake = new Error('mine')
    db.setAuthorizer(() => {
      throw mistake
    })
    expect(() => db.exec('SELECT 1')).toThrow(mistake)
    db.setAuthorizer(() => '1' as never)
    expect(thrown(() => db.exec('SELECT 1'))[1]).toBe(
      'Authorizer callback must return an integer authorization code',
    )
    db.setAuthorizer(() => 3)
    expect(thrown(() => db.exec('SELECT 1'))[1]).toBe(
      'Authorizer callback returned a invalid authorization code',
    )
    expect(thrown(() => db.setAuthorizer({} as never))[0]).toBe('ERR_INVALID_ARG_TYPE')
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

describe('images', () => {
  test('go out, and replace what is there', () => {
    const path = nextPath()
    const [from, to] = [memory(), new DatabaseSync(path)]
    from.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)')
    const image = from.serialize()
    expect(Object.getPrototypeOf(image)).toBe(Uint8Array.prototype)
    expect(Buffer.from(image.subarray(0, 15)).toString()).toBe('SQLite format 3')
    to.exec('CREATE TABLE other (x)')
    const [statement, session] = [to.prepare('SELECT 1'), to.createSession()]
    to.deserialize(image)
    expect(thrown(() => statement.get())[1]).toBe('statement has been finalized')
    expect(thrown(() => session.changeset())[1]).toBe('session is not open')
    to.exec('INSERT INTO t VALUES (2)')
    to.close()
    to.open()
    expect(to.prepare('SELECT x FROM t', { returnArrays: true }).all()).toEqual([[1], [2]])
    expect(to.prepare("SELECT count(*) n FROM sqlite_schema WHERE name = 'other'").get()).toEqual(
      row({ n: 0 }),
    )
    to.close()
  })

  test('that are none', () => {
    const db = memory()
    db.exec('CREATE TABLE mine (x)')
    expect(thrown(() => db.deserialize('x' as never))[1]).toBe('The "buffer" argument must be a Uint8Array.')
    expect(thrown(() => db.deserialize(new Uint8Array()))[1]).toBe('The "buffer" argument must not be empty.')
    expect(thrown(() => db.deserialize(Buffer.from('garbage'))).slice(1, 3)).toEqual([
      'file is not a database',
      26,
    ])
    expect(thrown(() => db.serialize('nothing'))[1]).toBe('unknown database nothing')
    expect(thrown(() => db.serialize(1 as never))[0]).toBe('ERR_INVALID_ARG_TYPE')
    expect(db.prepare('SELECT name FROM sqlite_schema').get()).toEqual(row({ name: 'mine' }))
  })

  test('an empty database has one as well, and a function cannot replace its database', () => {
    const db = memory()
    db.exec('CREATE TABLE mine (x)')
    const image = memory().serialize()
    expect(image).toHaveLength(4096)
    db.function('replace_it', () => {
      db.deserialize(image)
      return 1
    })
    expect(thrown(() => db.prepare('SELECT replace_it()').get())).toEqual([
      'ERR_INVALID_STATE',
      'database cannot be deserialized while in a callback',
    ])
    db.deserialize(image)
    expect(db.prepare('SELECT count(*) n FROM sqlite_schema').get()).toEqual(row({ n: 0 }))
  })

  test('backup() puts one into another database', async () => {
    const [from, path] = [memory(), nextPath()]
    from.exec("CREATE TABLE t (x); INSERT INTO t VALUES ('one')")
    const told: unknown[] = []
    const copied = backup(from, path, { rate: 1, progress: (progress) => told.push(progress) })
    // The copy is of the moment of the call.
    from.exec("INSERT INTO t VALUES ('two')")
    expect(await copied).toBe(2)
    expect(told).toEqual([{ totalPages: 2, remainingPages: 1 }])
    const to = new DatabaseSync(path)
    expect(to.prepare('SELECT x FROM t', { returnArrays: true }).all()).toEqual([['one']])
    to.close()
    const mistake = new Error('mine')
    const progress = (): void => {
      throw mistake
    }
    await expect(backup(from, nextPath(), { rate: 1, progress })).rejects.toBe(mistake)
    await expect(backup(from, nextPath(), { source: 'no' })).rejects.toThrow('unknown database no')
    await expect(backup(from, join(directory, 'no', 'x'))).rejects.toThrow('unable to open database file')
    expect(thrown(() => backup({} as never, path))[1]).toBe('The "sourceDb" argument must be an object.')
    expect(thrown(() => backup(from, path, { rate: 0 }))[0]).toBe('ERR_OUT_OF_RANGE')
    expect(thrown(() => backup(from, path, { progress: 1 as never }))[0]).toBe('ERR_INVALID_ARG_TYPE')
    expect([backup.name, backup.length]).toEqual(['backup', 2])
  })
})

describe('functions', () => {
  test('are called with values, and answer with one', () => {
    const db = memory()
    const given: unknown[] = []
    db.function('take', { varargs: true }, (...values: unknown[]) => {
      given.push(...values)
      return new DataView(new Uint8Array([7]).buffer)
    })
    expect(db.prepare("SELECT take(5, 1.5, 'x', NULL, x'fe') v").get()).toEqual(
      row({ v: new Uint8Array([7]) }),
    )
    expect(given).toEqual([5, 1.5, 'x', null, new Uint8Array([0xfe])])
    expect(Object.getPrototypeOf(given[4])).toBe(Uint8Array.prototype)
    db.function('two', (a: number, b: number) => a + b)
    expect(db.prepare('SELECT typeof(two(1, 2)) v').get()).toEqual(row({ v: 'real' }))
    expect(thrown(() => db.prepare('SELECT two(1)'))[1]).toBe('wrong number of arguments to function two()')
    db.function('no_answer', () => undefined)
    expect(db.prepare('SELECT no_answer() v').get()).toEqual(row({ v: null }))
  })

  test('integers that no number holds', () => {
    const db = memory()
    db.function('same', (value: bigint) => value)
    db.function('exact', { useBigIntArguments: true }, (value: bigint) => value - 1n)
    const large = 'Value is too large to be represented as a JavaScript number: 9007199254740993'
    expect(thrown(() => db.prepare('SELECT same(9007199254740993)').get())).toEqual([
      'ERR_OUT_OF_RANGE',
      large,
    ])
    expect(db.prepare('SELECT exact(5) v', { readBigInts: true }).get()).toEqual(row({ v: 4n }))
    db.function('huge', () => 2n ** 63n)
    expect(thrown(() => db.prepare('SELECT huge()').get())[1]).toBe('BigInt value is too large for SQLite')
  })

  test('what they throw comes through, and what they answer is looked at', () => {
    const db = memory()
    db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)')
    const mistake = new Error('mine')
    db.function('fails', () => {
      throw mistake
    })
    expect(() => db.exec('UPDATE t SET x = fails()')).toThrow(mistake)
    expect(db.prepare('SELECT x FROM t').get()).toEqual(row({ x: 1 }))
    const answers: [unknown, string][] = [
      [Promise.resolve(1), 'Asynchronous user-defined functions are not supported'],
      [{}, 'Returned JavaScript value cannot be converted to a SQLite value'],
      [true, 'Returned JavaScript value cannot be converted to a SQLite value'],
    ]
    for (const [answer, message] of answers) {
      db.function('answers', () => answer as never)
      expect(thrown(() => db.prepare('SELECT answers()').get())).toEqual([
        'ERR_SQLITE_ERROR',
        message,
        1,
        'SQL logic error',
      ])
    }
    db.function('uses', () => {
      db.exec('SELECT 1')
      return 1
    })
    expect(thrown(() => db.prepare('SELECT uses()').get())[0]).toBe('ERR_INVALID_STATE')
    db.function('closes', () => {
      db.close()
      return 1
    })
    expect(thrown(() => db.prepare('SELECT closes()').get())[1]).toBe(
      'database cannot be closed while in a callback',
    )
  })

  test('aggregates, also as windows', () => {
    const db = memory()
    db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (3)')
    db.aggregate('list', {
      start: () => [] as number[],
      step: (list, value: number) => [...list, value],
      result: (list) => list.join(),
    })
    expect(db.prepare('SELECT list(x) v FROM t').get()).toEqual(row({ v: '1,2,3' }))
    expect(db.prepare('SELECT list(x) v FROM t WHERE 0').get()).toEqual(row({ v: '' }))
    db.aggregate('total_of', {
      start: 0,
      step: (total, value: number) => total + value,
      inverse: (total, value: number) => total - value,
    })
    const window = 'SELECT total_of(x) OVER (ORDER BY x ROWS 1 PRECEDING) v FROM t'
    expect(db.prepare(window, { returnArrays: true }).all()).toEqual([[1], [3], [5]])
    const mistake = new Error('mine')
    db.aggregate('fails', {
      start: 0,
      step: (): number => {
        throw mistake
      },
    })
    expect(() => db.prepare('SELECT fails() FROM t').get()).toThrow(mistake)
    expect(db.prepare('SELECT list(x) v FROM t').get()).toEqual(row({ v: '1,2,3' }))
  })

  test('arguments that are wrong', () => {
    const db = memory()
    const wrong: [unknown[], string][] = [
      [[], 'The "name" argument must be a string.'],
      [['f'], 'The "function" argument must be a function.'],
      [['f', null, () => 1], 'The "options" argument must be an object.'],
      [['f', { varargs: null }, () => 1], 'The "options.varargs" argument must be a boolean.'],
    ]
    const define = (given: unknown[]): void => Reflect.apply(db.function, db, given)
    for (const [given, message] of wrong) expect(thrown(() => define(given))[1]).toBe(message)
    const aggregate = (options: object): unknown => thrown(() => db.aggregate('a', options as never))[1]
    expect(aggregate({})).toBe('The "options.start" argument must be a function or a primitive value.')
    expect(aggregate({ start: 0 })).toBe('The "options.step" argument must be a function.')
    expect(aggregate({ start: 0, step: () => 1, inverse: 1 })).toBe(
      'The "options.inverse" argument must be a function.',
    )
  })
})
