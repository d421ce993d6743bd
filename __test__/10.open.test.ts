import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Database, openDatabase, openStorage, StorageError } from '../index.js'
import { newDatabase, rejection, sharedStorage, temporaryDirectory } from './support.js'

const directory = temporaryDirectory()

test('a database outlives its handle', async () => {
  const store = join(directory, 'outlives')
  const first = await openDatabase('room-1', { store })
  expect(first).toBeInstanceOf(Database)
  expect([first.name, first.open, first.readonly, first.inTransaction]).toEqual([
    'room-1',
    true,
    false,
    false,
  ])
  await first.exec('CREATE TABLE t (a)')
  await first.run('INSERT INTO t VALUES (?)', 7)
  await first.close()
  expect(first.open).toBe(false)
  const second = await openDatabase('room-1', { store })
  expect(await second.all('SELECT a FROM t')).toEqual([{ a: 7 }])
  await second.close()
})

test('actors and namespaces are apart', async () => {
  const storage = await sharedStorage()
  const one = await storage.open('same', { namespace: 'one' })
  const two = await storage.open('same', { namespace: 'two' })
  await one.exec('CREATE TABLE only_in_one (a)')
  expect(await two.all('SELECT name FROM sqlite_schema')).toEqual([])
  await Promise.all([one.close(), two.close()])
})

test('close waits for what was called before, and is one close', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a)')
  const writes = Array.from({ length: 100 }, (_, a) => db.run('INSERT INTO t VALUES (?)', a))
  const closing = db.close()
  expect(db.close()).toBe(closing)
  await closing
  expect((await Promise.all(writes)).every(({ changes }) => changes === 1)).toBe(true)
})

test('a closed database refuses every call', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a)')
  const statement = await db.prepare('SELECT 1')
  await db.close()
  const calls = [
    db.run('SELECT 1'),
    db.get('SELECT 1'),
    db.exec('SELECT 1'),
    db.prepare('SELECT 1'),
    db.batch(['SELECT 1']),
    db.transaction(() => 1),
    db.pragma('user_version'),
    db.durable(),
    db.iterate('SELECT 1').next(),
    statement.get(),
  ]
  for (const call of calls)
    expect(await rejection(call)).toMatchObject({ name: 'StorageError', code: 'ERR_CLOSED' })
  db.interrupt()
  await statement.finalize()
})

test('await using closes', async () => {
  let seen: Database
  {
    await using db = await newDatabase()
    seen = db
  }
  expect(seen.open).toBe(false)
})

test('a storage closes its databases', async () => {
  const storage = await openStorage({ store: join(directory, 'closes') })
  const databases = await Promise.all(['a', 'b', 'c'].map((name) => storage.open(name)))
  await storage.close()
  expect(databases.map(({ open }) => open)).toEqual([false, false, false])
  expect(await rejection(storage.open('d'))).toMatchObject({ code: 'ERR_CLOSED' })
  await storage.close()
})

test('handles of one process share a store', async () => {
  const store = join(directory, 'shares')
  const [one, two] = await Promise.all([openStorage({ store }), openStorage({ store: `${store}/../shares` })])
  const [a, b] = await Promise.all([one.open('a'), two.open('b')])
  await Promise.all([a.exec('CREATE TABLE t (x)'), b.exec('CREATE TABLE t (x)')])
  await one.close()
  expect(await b.all('SELECT * FROM t')).toEqual([])
  await two.close()
})

test('a second claim fences the first', async () => {
  const storage = await sharedStorage()
  const first = await storage.open('fenced')
  await first.exec('CREATE TABLE t (a)')
  const second = await storage.open('fenced')
  await second.run('INSERT INTO t VALUES (1)')
  const error = await rejection<StorageError>(first.run('INSERT INTO t VALUES (2)'))
  expect(error).toBeInstanceOf(StorageError)
  expect(error).toMatchObject({ code: 'ERR_FENCED', retryable: false, actor: 'fenced' })
  expect(error.actualGeneration).toBeGreaterThan(error.expectedGeneration as number)
  expect(await second.pluck('SELECT count(*) FROM t')).toBe(1)
  await Promise.all([first.close(), second.close()])
})

test('create: false wants the database to be there', async () => {
  const storage = await sharedStorage()
  const error = await rejection(storage.open('nobody', { create: false }))
  expect(error).toMatchObject({ name: 'StorageError', code: 'ERR_NOT_FOUND', actor: 'nobody' })
  await (await storage.open('nobody')).close()
})

test('readonly refuses to write', async () => {
  const storage = await sharedStorage()
  const writer = await storage.open('library')
  await writer.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
  await writer.close()
  const reader = await storage.open('library', { readonly: true })
  expect(reader.readonly).toBe(true)
  expect(await reader.pluck('SELECT a FROM t')).toBe(1)
  expect(await rejection(reader.run('INSERT INTO t VALUES (2)'))).toMatchObject({ code: /^SQLITE_READONLY/ })
  await reader.close()
})

test('page sizes hold', async () => {
  for (const pageSize of [512, 4096, 65536]) {
    const db = await newDatabase({ pageSize })
    await db.exec('CREATE TABLE t (a)')
    expect(await db.pragma('page_size', { simple: true })).toBe(pageSize)
    await db.close()
  }
})

test('foreign keys are enforced unless they are not to be', async () => {
  const script = 'CREATE TABLE p (a PRIMARY KEY); CREATE TABLE c (a REFERENCES p)'
  const strict = await newDatabase()
  await strict.exec(script)
  expect(await rejection(strict.run('INSERT INTO c VALUES (1)'))).toMatchObject({
    code: 'SQLITE_CONSTRAINT_FOREIGNKEY',
  })
  await strict.close()
  const loose = await newDatabase({ foreignKeys: false })
  await loose.exec(script)
  await loose.run('INSERT INTO c VALUES (1)')
  await loose.close()
})

test('limits hold', async () => {
  const db = await newDatabase({ limits: { variableNumber: 3, sqlLength: 1000 } })
  expect(await rejection(db.get('SELECT ?, ?, ?, ?', 1, 2, 3, 4))).toMatchObject({ name: 'SqliteError' })
  expect(await rejection(db.get(`SELECT '${'x'.repeat(2000)}'`))).toMatchObject({ code: 'SQLITE_TOOBIG' })
  await db.close()
})

test('an abort before the end of opening gives up', async () => {
  const storage = await sharedStorage()
  const reason = new Error('no more')
  expect(await rejection(storage.open('given-up', { signal: AbortSignal.abort(reason) }))).toBe(reason)
  const controller = new AbortController()
  const opening = storage.open('given-up', { signal: controller.signal })
  controller.abort(reason)
  expect(await rejection(opening)).toBe(reason)
})

test('a thousand databases are open at once', async () => {
  const storage = await sharedStorage()
  const names = Array.from({ length: 1000 }, (_, n) => `crowd-${n}`)
  const databases = await Promise.all(names.map((name) => storage.open(name)))
  await Promise.all(databases.map((db, n) => db.exec(`CREATE TABLE t (a); INSERT INTO t VALUES (${n})`)))
  const read = await Promise.all(databases.map((db) => db.pluck('SELECT a FROM t')))
  expect(read).toEqual(names.map((_, n) => n))
  expect(storage.metrics.openDatabases).toBeGreaterThanOrEqual(1000)
  await Promise.all(databases.map((db) => db.close()))
})

test.each([
  ['a misspelt option', { readOnly: true }, 'has no option "readOnly"'],
  ['a wrong boolean', { readonly: 1 }, 'the option "readonly" must be a boolean, not a number'],
  ['a wrong page size', { pageSize: 1000 }, 'the option "pageSize" must be a power of two'],
  ['a wrong mode', { integers: 'string' }, "the option \"integers\" must be 'number' or 'bigint' or 'auto'"],
  ['a wrong durability', { durability: 'maybe' }, 'the option "durability" must be'],
  ['a wrong limit', { limits: { depth: 1 } }, 'limits has no option "depth"'],
  ['a wrong signal', { signal: {} }, 'the option "signal" must be an AbortSignal'],
  ['a wrong logger', { logger: { warn() {} } }, 'the option "logger" must be an object with the methods'],
  ['a wrong timeout', { queryTimeoutMs: 0 }, 'the option "queryTimeoutMs" must be a number of milliseconds'],
  ['a wrong size', { cacheBytes: 1.5 }, 'the option "cacheBytes" must be a number of bytes'],
])('%s is refused by name', async (_, options, message) => {
  const storage = await sharedStorage()
  const error = await rejection(storage.open('never', options as never))
  expect(error).toBeInstanceOf(TypeError)
  expect(error.message).toContain(message)
})

test('names and stores are checked', async () => {
  const storage = await sharedStorage()
  for (const name of ['', 1, null, undefined, {}]) {
    expect(await rejection(storage.open(name as never))).toBeInstanceOf(TypeError)
  }
  expect(await rejection(storage.open('x'.repeat(513)))).toBeInstanceOf(TypeError)
  expect(await rejection(storage.open('a\0b'))).toBeInstanceOf(TypeError)
  expect(await rejection(openDatabase('a', {} as never))).toBeInstanceOf(TypeError)
  expect(await rejection(openDatabase('a', undefined as never))).toBeInstanceOf(TypeError)
  expect(await rejection(openStorage({ store: 'wss://host' }))).toBeInstanceOf(TypeError)
  expect(await rejection(openStorage({ store: '/proc/none/such' }))).toMatchObject({
    name: 'StorageError',
    code: 'ERR_UNAVAILABLE',
  })
})
