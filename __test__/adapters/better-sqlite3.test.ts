import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Database, { SqliteError, Statement } from 'actor-sqlite/better-sqlite3'
import { afterEach, expect, test } from 'vitest'
import { SqliteError as OurError, openDatabaseSync, openStorage, StorageError } from '../../index.js'
import { finished, root, runModule, temporaryDirectory } from '../support.js'
import { thrown } from '../sync/support.js'

const directory = temporaryDirectory()
afterEach(() => {
  delete process.env['ACTOR_SQLITE_STORE']
})

test('what require gives is the class', async () => {
  const child = runModule(
    `import { createRequire } from 'node:module'
     import Database from 'actor-sqlite/better-sqlite3'
     const required = createRequire(${JSON.stringify(join(root, 'x.js'))})('actor-sqlite/better-sqlite3')
     console.log(required === Database, new required().prepare('SELECT 1').pluck().get(), required.SqliteError.name)`,
  )
  expect(await finished(child)).toEqual({ code: 0, signal: null, output: 'true 1 SqliteError\n' })
})

test('it is made with and without new', () => {
  expect(Database.SqliteError).toBe(SqliteError)
  class Own extends Database {
    readonly mine = true
  }
  for (const db of [new Database(':memory:'), Database(':memory:'), new Own()]) {
    expect(db).toBeInstanceOf(Database)
    expect(db.constructor.name).toMatch(/^(Database|Own)$/)
    expect(db.prepare('SELECT 1 AS x').get()).toEqual({ x: 1 })
    expect(db.prepare('SELECT 1')).toBeInstanceOf(Statement)
    expect(db.memory).toBe(true)
    db.close()
  }
})

test('databases in memory are private, and roll back, grow and shrink like others', () => {
  const [one, two] = [new Database(), new Database(':memory:')]
  one.exec('CREATE TABLE t (x)')
  expect(thrown(() => two.exec('SELECT * FROM t'))).toBeInstanceOf(SqliteError)
  const insert = one.prepare('INSERT INTO t VALUES (zeroblob(1000))')
  one.transaction(() => {
    for (let index = 0; index < 3000; index += 1) insert.run()
  })()
  one.exec('BEGIN; DELETE FROM t; ROLLBACK')
  expect(one.prepare('SELECT count(*) FROM t').pluck().get()).toBe(3000)
  one.exec('DELETE FROM t; VACUUM')
  expect(one.pragma('integrity_check', { simple: true })).toBe('ok')
  expect(one.pragma('page_count', { simple: true })).toBe(2)
})

test('a name is an actor: beside the named file, in the store of the environment or of the options', async () => {
  const file = join(directory, 'app.db')
  const beside = new Database(file)
  beside.exec('CREATE TABLE t (x)')
  expect([beside.name, beside.memory]).toEqual([file, false])
  beside.close()
  expect(existsSync(file)).toBe(false)
  const same = openDatabaseSync('app.db', { store: join(directory, '.actor-sqlite') })
  expect(same.prepare('SELECT count(*) FROM t').pluck().get()).toBe(0)
  same.close()
  process.env['ACTOR_SQLITE_STORE'] = join(directory, 'store')
  new Database('room-42').exec('CREATE TABLE u (x)').close()
  const storage = await openStorage({ store: join(directory, 'store') })
  const room = new Database('room-42', { store: storage })
  expect(room.prepare('SELECT count(*) FROM u').pluck().get()).toBe(0)
  await storage.close()
  expect(room.open).toBe(false)
})

test('a database that must be there and is not cannot be opened', () => {
  for (const options of [{ fileMustExist: true }, { readonly: true }]) {
    expect(thrown(() => new Database(join(directory, 'none.db'), options))).toMatchObject({
      name: 'SqliteError',
      code: 'SQLITE_CANTOPEN',
      message: 'unable to open database file',
    })
  }
  expect(thrown(() => new Database(join(directory, 'none', 'x.db')))).toBeInstanceOf(TypeError)
  new Database(join(directory, 'there.db')).close()
  const readonly = new Database(join(directory, 'there.db'), { readonly: true })
  expect(readonly.readonly).toBe(true)
  expect(thrown(() => readonly.exec('CREATE TABLE t (x)'))).toMatchObject({ code: 'SQLITE_READONLY' })
  readonly.close()
})

test.each([
  ['a name that is no string', 1, {}],
  ['options that are no object', ':memory:', 'x'],
  ['readOnly', ':memory:', { readOnly: true }],
  ['memory', '', { memory: true }],
  ['a database in memory that is readonly', ':memory:', { readonly: true }],
  ['a flag that is no boolean', '', { fileMustExist: 1 }],
  ['a timeout that is no number', '', { timeout: '1' }],
  ['a timeout that is none', '', { timeout: undefined }],
  ['verbose that is no function', '', { verbose: 'yes' }],
  ['a binding that is a number', '', { nativeBinding: 1 }],
])('%s is refused', (_, name, options) => {
  expect(thrown(() => new Database(name as never, options as never))).toBeInstanceOf(TypeError)
})

test('values bind and come out as those of better-sqlite3', () => {
  const db = new Database()
  const kind = db.prepare('SELECT typeof(?), ?').raw()
  expect(kind.get(1, 1)).toEqual(['real', 1])
  expect(kind.get(1n, 1n)).toEqual(['integer', 1])
  expect(kind.get(undefined, undefined)).toEqual(['null', null])
  expect(kind.get(Buffer.from('a'), new Uint16Array([1]))).toEqual(['blob', Buffer.from([1, 0])])
  for (const value of [true, new Date(), {}, new ArrayBuffer(1), Symbol('s'), () => 1]) {
    expect(thrown(() => db.prepare('SELECT ?').get([value]))).toMatchObject({
      name: 'TypeError',
      message: 'SQLite3 can only bind numbers, strings, bigints, buffers, and null',
    })
  }
  expect(thrown(() => db.prepare('SELECT ?').get(1, () => {}))).toBeInstanceOf(TypeError)
  expect(thrown(() => db.prepare('SELECT $a').get({ $a: 1 }))).toMatchObject({
    message: 'Missing named parameter "a"',
  })
  expect(db.prepare('SELECT 9007199254740993').pluck().get()).toBe(9007199254740992)
  expect(db.prepare('SELECT 9007199254740993').pluck().safeIntegers().get()).toBe(9007199254740993n)
  expect(db.pragma('cache_size', { simple: true })).toBe(-16000)
})

test('values of virtual tables are those of better-sqlite3', () => {
  const db = new Database()
  const seen: unknown[] = []
  db.table('echo', {
    columns: ['value', 'type'],
    *rows(one) {
      seen.push(one)
      yield [one, typeof one]
      yield [true, 'unfit']
    },
  })
  const first = (value: unknown) => db.prepare('SELECT typeof(value), type FROM echo(?)').raw().get(value)
  expect(first(1)).toEqual(['real', 'number'])
  expect(first(9007199254740993n)).toEqual(['real', 'number'])
  expect(seen.at(-1)).toBe(9007199254740992)
  expect(db.prepare('SELECT type FROM echo').pluck().all()).toEqual(['undefined', 'unfit'])
  expect(thrown(() => db.prepare('SELECT value FROM echo').all())).toMatchObject({
    name: 'TypeError',
    message: 'Virtual table module "echo" yielded an invalid value',
  })
  db.defaultSafeIntegers()
  expect(first(1n)).toEqual(['real', 'number'])
  db.table('echo', {
    columns: ['value', 'type'],
    *rows(one) {
      yield [one, typeof one]
    },
  })
  expect(first(1n)).toEqual(['integer', 'bigint'])
})

test('verbose is told of each statement before it runs, and can stop it', () => {
  const told: string[] = []
  let stop: Error | undefined
  const db = new Database(':memory:', {
    verbose: (sql) => {
      told.push(sql)
      if (stop !== undefined) throw stop
    },
  })
  db.exec("CREATE TABLE größe (x); INSERT INTO größe VALUES ('ö'); -- fin")
  const insert = db.prepare('INSERT INTO größe VALUES (?)')
  insert.run('a')
  expect([...db.prepare('SELECT x FROM größe WHERE x = ?').bind('a').pluck().iterate()]).toEqual(['a'])
  db.prepare('SELECT :x').get({ x: Buffer.from([1]) })
  expect(told.map((sql) => sql.trim())).toEqual([
    'CREATE TABLE größe (x);',
    "INSERT INTO größe VALUES ('ö');",
    "INSERT INTO größe VALUES ('a')",
    "SELECT x FROM größe WHERE x = 'a'",
    "SELECT x'01'",
  ])
  stop = new Error('stop')
  expect(thrown(() => insert.run('b'))).toBe(stop)
  stop = undefined
  expect(db.prepare('SELECT count(*) FROM größe').pluck().get()).toBe(2)
})

test('a statement shows itself with the values that are bound', () => {
  const db = new Database()
  const statement = db.prepare('SELECT ?, ?')
  expect(String(statement)).toBe('SELECT ?, ?')
  statement.get(1, 2)
  expect(String(statement)).toBe('SELECT ?, ?')
  expect(String(statement.bind('a', 1n))).toBe("SELECT 'a', 1")
})

test('its errors and those of the package are the same', () => {
  const error = new SqliteError('text', 'SQLITE_TEST')
  expect(error).toMatchObject({ name: 'SqliteError', message: 'text', code: 'SQLITE_TEST' })
  expect([error instanceof OurError, error instanceof SqliteError, error instanceof Error]).toEqual([
    true,
    true,
    true,
  ])
  const met = thrown(() => new Database().prepare('nonsense'))
  expect([met instanceof OurError, met instanceof SqliteError]).toEqual([true, true])
  expect(thrown(() => new SqliteError('text', 1 as never))).toBeInstanceOf(TypeError)
  expect(thrown(() => new Database('x', { store: 'http://x' }))).not.toBeInstanceOf(StorageError)
})

test('bytes of a file are a database in memory of its own', async () => {
  const source = new Database()
  source.exec('PRAGMA page_size = 512; CREATE TABLE t (x); CREATE INDEX i ON t (x)')
  source.exec("INSERT INTO t VALUES (1), ('two'), (NULL)")
  const bytes = source.serialize()
  const [one, two] = [new Database(bytes), new Database(bytes, { readonly: true })]
  expect(one).toMatchObject({ name: ':memory:', memory: true, readonly: false })
  for (const db of [one, two]) expect(db.serialize().equals(bytes)).toBe(true)
  one.exec('DELETE FROM t; INSERT INTO t VALUES (5)')
  one.close()
  expect(two.prepare('SELECT x FROM t').pluck().all()).toEqual([1, 'two', null])
  expect(thrown(() => two.exec('DELETE FROM t'))).toMatchObject({ code: 'SQLITE_READONLY' })
  expect(new Database(Buffer.alloc(0)).prepare('SELECT * FROM sqlite_master').all()).toEqual([])
})

test('bytes that are more than a part at a time are all there', () => {
  const source = new Database()
  source.exec('CREATE TABLE t (x)')
  const insert = source.prepare('INSERT INTO t VALUES (randomblob(100000))')
  for (let row = 0; row < 70; row += 1) insert.run()
  const bytes = source.serialize()
  const db = new Database(bytes)
  expect(bytes.length).toBeGreaterThan(4 << 20)
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
  expect(db.serialize().equals(bytes)).toBe(true)
})

test('bytes that are no database, or a damaged one, are refused', () => {
  const source = new Database()
  source.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1); CREATE INDEX i ON t (x)')
  const bytes = source.serialize()
  const damaged = Buffer.from(bytes)
  damaged.fill(0xff, 4096, 8192)
  for (const wrong of [Buffer.from('x'), Buffer.alloc(5000), bytes.subarray(0, -1), damaged]) {
    const error = thrown(() => new Database(wrong))
    expect(error).toBeInstanceOf(SqliteError)
    expect(error.code).toBe('SQLITE_NOTADB')
  }
  expect(thrown(() => new Database(new Uint8Array(4) as Buffer))).toBeInstanceOf(TypeError)
})
