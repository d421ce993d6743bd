import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { type Database, openStorage, type StorageError } from '../index.js'
import { newDatabase, rejection, root, sharedStorage, temporaryDirectory } from './support.js'

/** Waits until a database sleeps. */
async function asleep(...databases: Database[]): Promise<void> {
  while (databases.some((db) => db.metrics.asleep === 0)) await sleep(1)
}

/** Waits until sessions were held awake once more, for a reason. */
async function held(reason: 'heldByTransaction' | 'heldByCursor' | 'heldByTemp'): Promise<void> {
  const storage = await sharedStorage()
  const before = storage.metrics.sleep[reason]
  while (storage.metrics.sleep[reason] === before) await sleep(1)
}

test('an idle database sleeps and comes back unnoticed', async () => {
  const storage = await sharedStorage()
  const before = storage.metrics.sleep
  const db = await newDatabase({ idleTimeoutMs: 1 })
  await db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t (v) VALUES (1), (2)')
  const statement = await db.prepare('SELECT v FROM t WHERE id = ?')
  const { lastInsertRowid } = await db.run('INSERT INTO t (v) VALUES (3)')
  await db.pragma('recursive_triggers = ON')
  const committed = db.metrics.commit.commitCount
  for (let round = 0; round < 3; round += 1) {
    await asleep(db)
    expect(db.open).toBe(true)
    expect(db.inTransaction).toBe(false)
    expect(db.metrics.commit.commitCount).toBe(committed)
    expect(await statement.get(3)).toEqual({ v: 3 })
    expect(await db.get('SELECT last_insert_rowid() AS id, changes() AS c, total_changes() AS t')).toEqual({
      id: lastInsertRowid,
      c: 1,
      t: 3,
    })
    expect(await db.pragma('recursive_triggers', { simple: true })).toBe(1)
  }
  await asleep(db)
  await db.durable()
  expect(db.metrics.asleep).toBe(1)
  expect(db.metrics.wakes).toBeGreaterThanOrEqual(3)
  const { sleep: after } = storage.metrics
  expect(after.wakes - before.wakes).toBeGreaterThanOrEqual(3)
  expect(after.wakeNs).toBeGreaterThan(before.wakeNs)
  expect(storage.metrics.databases.asleep).toBe(after.asleep)
  await db.close()
  expect(db.metrics.asleep).toBe(0)
  expect(db.metrics.commit.commitCount).toBe(committed)
})

test('beyond awakeMax those left alone sleep long before their time', async () => {
  const storage = await openStorage({ store: join(temporaryDirectory(), 'store'), awakeMax: 2 })
  const options = { idleTimeoutMs: 2 ** 31 - 1 }
  const databases = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => storage.open(name, options)))
  for (const db of databases) await db.exec('CREATE TABLE t (a)')
  while (storage.metrics.sleep.awake > 2) await sleep(1)
  expect(storage.metrics.sleep.asleep).toBe(3)
  for (const db of databases) expect(await db.pluck('SELECT count(*) FROM t')).toBe(0)
  await storage.close()
})

test('what is in use does not sleep', async () => {
  const db = await newDatabase({ idleTimeoutMs: 1 })
  await db.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1), (2), (3)')
  await db.transaction(async (tx) => {
    await tx.run('INSERT INTO t VALUES (4)')
    await held('heldByTransaction')
    expect(await tx.pluck('SELECT count(*) FROM t')).toBe(4)
  })
  const many = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT i FROM n'
  let rows = 0
  for await (const { i } of db.iterate<{ i: number }>(many)) {
    if (i === 1) await held('heldByCursor')
    rows += 1
  }
  expect(rows).toBe(5000)
  await db.exec('CREATE TEMP TABLE x AS SELECT 7 AS a')
  await held('heldByTemp')
  expect(await db.pluck('SELECT a FROM x')).toBe(7)
  await db.exec('DROP TABLE x')
  await asleep(db)
  await db.close()
})

test('a database that was taken over in its sleep says so', async () => {
  const store = join(temporaryDirectory(), 'store')
  const storage = await openStorage({ store })
  const db = await storage.open('a', { idleTimeoutMs: 1 })
  await db.exec('CREATE TABLE t (a)')
  await asleep(db)
  const thief = await storage.open('a')
  const error = await rejection<StorageError>(db.all('SELECT * FROM t'))
  expect(error).toMatchObject({ name: 'StorageError', code: 'ERR_FENCED' })
  expect(db.metrics.asleep).toBe(0)
  await thief.run('INSERT INTO t VALUES (1)')
  await storage.close()
})

test('a storage closes sleepers, and so does a Worker that ends', async () => {
  const store = join(temporaryDirectory(), 'store')
  const storage = await openStorage({ store })
  const databases = await Promise.all(
    Array.from({ length: 50 }, (_, i) => storage.open(`a${i}`, { idleTimeoutMs: 1 })),
  )
  await asleep(...databases)
  expect(storage.metrics.sleep).toMatchObject({ awake: 0, asleep: 50 })
  const text = `
    const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.library).then(async ({ openDatabase }) => {
      const db = await openDatabase('w', { store: workerData.store, idleTimeoutMs: 1 })
      while (db.metrics.asleep === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      parentPort.postMessage('asleep')
      setInterval(() => {}, 1000)
    })`
  const worker = new Worker(text, { eval: true, workerData: { library: join(root, 'index.js'), store } })
  await new Promise((resolve) => worker.once('message', resolve))
  expect(storage.metrics.sleep.asleep).toBe(51)
  await worker.terminate()
  expect(storage.metrics.sleep.asleep).toBe(50)
  await storage.close()
  expect(storage.metrics.sleep).toMatchObject({ awake: 0, asleep: 0 })
})

test('0 is for never', async () => {
  const db = await newDatabase({ idleTimeoutMs: 0 })
  const other = await newDatabase({ idleTimeoutMs: 1 })
  await asleep(other)
  expect(db.metrics.asleep).toBe(0)
  await Promise.all([db.close(), other.close()])
  expect(await rejection(newDatabase({ idleTimeoutMs: -1 }))).toBeInstanceOf(TypeError)
})
