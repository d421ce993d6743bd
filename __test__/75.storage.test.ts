/** Stores as a whole: large transactions, quotas, what the store knows of its databases, damage. */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStorage } from '../index.js'
import { newDatabase, rejection, sharedStorage, temporaryDirectory } from './support.js'

const FILL = `INSERT INTO t (v) WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)
  SELECT randomblob(3000) FROM n`

test('a transaction larger than all buffers lands whole, or not at all', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
  await db.run(FILL, 20_000)
  const staged = (await sharedStorage()).metrics.databases.vfs.pagesStaged
  expect(staged).toBeGreaterThan(1000)
  const undone = await rejection(
    db.transaction(async (tx) => {
      await tx.run('UPDATE t SET v = zeroblob(3000)')
      await tx.run(FILL, 20_000)
      throw new Error('not this one')
    }),
  )
  expect(undone.message).toBe('not this one')
  const sum = 'SELECT count(*) AS rows, sum(v = zeroblob(3000)) AS zeros FROM t'
  expect(await db.get(sum)).toEqual({ rows: 20_000, zeros: 0 })
  await db.transaction(async (tx) => {
    await tx.run('DELETE FROM t WHERE id % 2 = 0')
    await tx.run('UPDATE t SET v = zeroblob(3000) WHERE id % 4 = 1')
  })
  expect(await db.get(sum)).toEqual({ rows: 10_000, zeros: 5000 })
  expect(await db.pragma('integrity_check', { simple: true })).toBe('ok')
  await db.exec('VACUUM')
  expect(await db.get(sum)).toEqual({ rows: 10_000, zeros: 5000 })
  await db.close()
})

test('a full database says so, keeps what it has, and can delete its way out', async () => {
  const db = await newDatabase({ quotaBytes: 1 << 20 })
  await db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
  let rows = 0
  let error: (Error & { code?: string; actual?: number; limit?: number }) | undefined
  while (error === undefined) {
    try {
      await db.run(FILL, 10)
      rows += 10
    } catch (caught) {
      error = caught as Error
    }
  }
  expect(error).toMatchObject({ code: 'ERR_QUOTA', limit: 1 << 20 })
  expect(error.actual).toBeGreaterThan(1 << 20)
  expect(rows).toBeGreaterThan(100)
  expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: rows })
  await rejection(db.transaction(async (tx) => tx.run(FILL, 1000)))
  expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: rows })
  await db.run('DELETE FROM t WHERE id % 3 <> 0')
  await db.exec('VACUUM')
  await db.run(FILL, 50)
  const { storedBytes } = (await (await sharedStorage()).stat(db.name)) ?? { storedBytes: Number.NaN }
  expect(storedBytes).toBeLessThan(1 << 20)
  await db.close()
})

test('the databases of a namespace share its quota', async () => {
  const storage = await openStorage({
    store: join(temporaryDirectory(), 'store'),
    namespaceQuotaBytes: 1 << 20,
  })
  const open = async (namespace: string, actor: string) => {
    const db = await storage.open(actor, { namespace })
    await db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
    return db
  }
  const [one, two, other] = [await open('a', 'one'), await open('a', 'two'), await open('b', 'one')]
  await one.run(FILL, 150)
  await two.run(FILL, 150)
  await other.run(FILL, 300)
  expect(await rejection(one.run(FILL, 150))).toMatchObject({ code: 'ERR_QUOTA', limit: 1 << 20 })
  const used = await storage.namespaceUsage('a')
  const stats = [await storage.stat('one', { namespace: 'a' }), await storage.stat('two', { namespace: 'a' })]
  expect(used).toBe(stats.reduce((sum, stat) => sum + (stat?.storedBytes ?? Number.NaN), 0))
  storage.setNamespaceQuota('a', 4 << 20)
  await one.run(FILL, 150)
  storage.setNamespaceQuota('a', null)
  await one.run(FILL, 2000)
  expect(() => storage.setNamespaceQuota('a', -1)).toThrow('a quota must be')
  await storage.close()
})

test('a store knows its databases without opening them', async () => {
  const storage = await sharedStorage()
  const db = await newDatabase({ pageSize: 8192 })
  await db.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
  const stat = await storage.stat(db.name)
  expect(stat).toMatchObject({ generation: 1, pageSize: 8192, pages: 2, txid: expect.any(Number) })
  expect(stat?.storedBytes).toBeGreaterThan(300)
  expect(Math.abs((stat?.committedAtMs ?? 0) - Date.now())).toBeLessThan(600_000)
  expect(await storage.stat('nobody')).toBeUndefined()
  expect(await storage.verify(db.name)).toMatchObject({ pages: expect.any(Number), damage: [] })
  expect(await rejection(storage.verify('nobody'))).toMatchObject({ code: 'ERR_NOT_FOUND' })
  await expect(storage.stat('')).rejects.toThrow(TypeError)
  await expect(storage.stat('a', { namespace: 1 as unknown as string })).rejects.toThrow(
    'the option "namespace" must be a string',
  )
  await db.close()
})

test('options of a storage that make no sense are named', async () => {
  const store = join(temporaryDirectory(), 'store')
  for (const [name, options] of Object.entries({
    memoryBytes: { memoryBytes: 1000 },
    awakeMax: { awakeMax: 0 },
    quotaBytes: { quotaBytes: -1 },
    scrubBytesPerSecond: { scrubBytesPerSecond: 1.5 },
    commits: { retention: { commits: -1 } },
    ageMs: { retention: { ageMs: 'long' as unknown as number } },
  })) {
    const error = await rejection(openStorage({ store, ...options }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(`"${name}"`)
  }
})
