import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDatabase, openDatabaseSync, openStorage, StorageError } from '../../index.js'
import { finished, runModule, temporaryDirectory } from '../support.js'
import { newSync, storage, thrown } from './support.js'

test('a directory is opened and let go with its database', async () => {
  const store = join(temporaryDirectory(), 'store')
  for (const count of [1, 2]) {
    const db = openDatabaseSync('a', { store })
    db.exec('CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1)')
    expect(db.prepare('SELECT count(*) FROM t').pluck().get()).toBe(count)
    expect(db).toMatchObject({ name: 'a', open: true, readonly: false, memory: false, inTransaction: false })
    expect(db.close()).toBe(db)
    expect(db.open).toBe(false)
  }
  const db = await openDatabase('a', { store })
  expect(await db.pluck('SELECT count(*) FROM t')).toBe(2)
  await db.close()
  rmSync(store, { recursive: true })
  expect(existsSync(store)).toBe(false)
})

test('a closed database and its statements are refused', () => {
  const db = newSync()
  const select = db.prepare('SELECT 1 AS x')
  const rows = select.iterate()
  rows.next()
  rows.return()
  db.close()
  db.close()
  const calls = [
    () => db.prepare('SELECT 1'),
    () => db.exec('SELECT 1'),
    () => db.pragma('user_version'),
    () => db.transaction(() => {})(),
    () => db.durable(),
    () => select.get(),
    () => select.run(),
    () => select.columns(),
    () => select.bind(),
  ]
  for (const call of calls) {
    expect(thrown(call)).toMatchObject({ name: 'TypeError', message: 'The database connection is not open' })
  }
  expect([db.inTransaction, select.busy]).toEqual([false, false])
  expect(db.metrics.statements.selectCount).toBe(1)
})

test('closing drops what was not committed', () => {
  const db = newSync()
  const { name } = db
  db.exec('CREATE TABLE t (x); BEGIN; INSERT INTO t VALUES (1)')
  db[Symbol.dispose]()
  const again = openDatabaseSync(name, { store: storage })
  expect(again.prepare('SELECT count(*) FROM t').pluck().get()).toBe(0)
})

test('whoever opens an actor owns it', async () => {
  const db = newSync()
  db.exec('CREATE TABLE t (x)')
  const other = await storage.open(db.name)
  expect(thrown(() => db.exec('INSERT INTO t VALUES (1)'))).toMatchObject({ code: 'ERR_FENCED' })
  expect(thrown(() => db.prepare('SELECT 1').get())).toBeInstanceOf(StorageError)
  await other.run('INSERT INTO t VALUES (2)')
  const third = openDatabaseSync(db.name, { store: storage })
  expect(third.prepare('SELECT x FROM t').pluck().all()).toEqual([2])
  db.close()
})

test('a storage closes its synchronous databases', async () => {
  const own = await openStorage({ store: temporaryDirectory(), namespace: 'n' })
  const db = openDatabaseSync('a', { store: own })
  const rows = db.prepare('SELECT 1 UNION SELECT 2').iterate()
  rows.next()
  expect(own.metrics.openDatabases).toBe(1)
  await own.close()
  expect(db.open).toBe(false)
  expect(thrown(() => openDatabaseSync('a', { store: own }))).toMatchObject({ code: 'ERR_CLOSED' })
})

test('options are checked', () => {
  const open = (options: object) => thrown(() => openDatabaseSync('a', options as never))
  expect(open({})).toMatchObject({ message: expect.stringContaining('"store"') })
  expect(open({ store: storage, idleTimeoutMs: 1 })).toMatchObject({
    message: expect.stringContaining('has no option "idleTimeoutMs"'),
  })
  expect(open({ store: 'postgres://x' })).toBeInstanceOf(TypeError)
  expect(open({ store: storage, create: false, namespace: 'none' })).toMatchObject({ code: 'ERR_NOT_FOUND' })
  expect(thrown(() => openDatabaseSync('', { store: storage }))).toBeInstanceOf(TypeError)
  const readonly = newSync({ readonly: true })
  expect(readonly.readonly).toBe(true)
  expect(thrown(() => readonly.exec('CREATE TABLE t (x)'))).toMatchObject({ code: 'SQLITE_READONLY' })
  const limited = newSync({ queryTimeoutMs: 20 })
  const endless = 'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n'
  expect(thrown(() => limited.prepare(endless).get())).toMatchObject({ code: 'ERR_TIMEOUT' })
  expect(limited.prepare('SELECT 1 AS x').get()).toEqual({ x: 1 })
})

test('each strict commit waits for its sync, a gated one for durable()', () => {
  const syncs = () => storage.metrics.kv.syncs
  const strict = newSync()
  strict.exec('CREATE TABLE t (x)')
  const before = syncs()
  for (let index = 0; index < 5; index += 1) strict.prepare('INSERT INTO t VALUES (1)').run()
  expect(syncs() - before).toBeGreaterThanOrEqual(5)
  const gated = newSync({ durability: 'gated' })
  gated.exec('CREATE TABLE t (x)')
  const insert = gated.prepare('INSERT INTO t VALUES (1)')
  for (let index = 0; index < 100; index += 1) insert.run()
  expect(gated.durable()).toBe(gated)
  expect(gated.metrics.commit.commitCount).toBe(101)
})

test('kill -9 loses nothing that was answered', async () => {
  const store = temporaryDirectory()
  const child = runModule(
    `const db = library.openDatabaseSync('a', { store: ${JSON.stringify(store)} })
     db.exec('CREATE TABLE t (x)')
     const insert = db.prepare('INSERT INTO t VALUES (?)')
     for (let index = 1; index <= 50; index += 1) insert.run(index)
     process.kill(process.pid, 'SIGKILL')`,
  )
  expect((await finished(child)).signal).toBe('SIGKILL')
  const db = openDatabaseSync('a', { store })
  expect(db.prepare('SELECT max(x) FROM t').pluck().get()).toBe(50)
  db.close()
})

test('a process ends with open databases, iterators and storages', async () => {
  const child = runModule(
    `const db = library.openDatabaseSync('a', { store: ${JSON.stringify(temporaryDirectory())} })
     db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)')
     db.prepare('SELECT * FROM t').iterate().next()
     console.log('fine')`,
  )
  expect(await finished(child)).toEqual({ code: 0, signal: null, output: 'fine\n' })
})
