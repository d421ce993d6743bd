/** The cases on actor-sqlite, one store for all of them. */
import { type Database, openStorage, type Storage } from 'actor-sqlite'
import { median, quantile, randomBytes, timeMs } from './measure.js'

export interface TransactionCase {
  readonly name: string
  readonly rows: number
  readonly rowBytes: number
}

let actors = 0
const nextActor = () => {
  actors += 1
  return actors
}

async function fresh(storage: Storage, schema: string): Promise<Database> {
  const db = await storage.open(`bench/${nextActor()}`)
  await db.exec(schema)
  return db
}

/** One transaction of many inserts: by `batch`, in one crossing, and by a transaction that does not wait for each. */
export async function transaction(storage: Storage, { rows, rowBytes }: TransactionCase, rounds: number) {
  const values = Array.from({ length: rows }, (_, i) => [i + 1, randomBytes(rowBytes, i + 1)] as const)
  const samples: Record<'batch' | 'pipelined', number[]> = { batch: [], pipelined: [] }
  for (let round = 0; round <= rounds; round += 1) {
    const one = await fresh(storage, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
    const batch = await timeMs(() => one.batch('INSERT INTO t VALUES (?, ?)', values))
    await one.close()
    const two = await fresh(storage, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
    const pipelined = await timeMs(() =>
      two.transaction(async (tx) => {
        await Promise.all(values.map((row) => tx.run('INSERT INTO t VALUES (?, ?)', ...row)))
      }),
    )
    await two.close()
    if (round === 0) continue // a warm-up
    samples.batch.push(batch)
    samples.pipelined.push(pipelined)
  }
  return { batch: median(samples.batch), pipelined: median(samples.pipelined) }
}

/** Durable single inserts, one actor, each awaited. Microseconds. */
export async function autocommit(storage: Storage, commits: number) {
  const db = await fresh(storage, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
  const value = randomBytes(200, 7)
  const samples: number[] = []
  for (let i = 0; i < commits; i += 1) {
    samples.push(1000 * (await timeMs(() => db.run('INSERT INTO t VALUES (NULL, ?)', value))))
  }
  await db.close()
  return { p50: median(samples), p99: quantile(samples, 0.99) }
}

/** Durable single inserts of many actors at once. Commits per second over all. */
export async function concurrentCommits(
  storage: Storage,
  writers: number,
  commitsEach: number,
): Promise<number> {
  const databases = await Promise.all(
    Array.from({ length: writers }, () => fresh(storage, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')),
  )
  const value = randomBytes(200, 7)
  const ms = await timeMs(() =>
    Promise.all(
      databases.map(async (db) => {
        for (let i = 0; i < commitsEach; i += 1) await db.run('INSERT INTO t VALUES (NULL, ?)', value)
      }),
    ),
  )
  await Promise.all(databases.map((db) => db.close()))
  return (writers * commitsEach) / (ms / 1000)
}

/** Point SELECTs per second: each awaited, and `inFlight` at a time. */
export async function pointSelects(storage: Storage, selects: number, inFlight: number) {
  const rows = 10_000
  const db = await fresh(storage, 'CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER)')
  await db.batch(
    'INSERT INTO t VALUES (?, ?, ?)',
    Array.from({ length: rows }, (_, i) => [i, `row ${i}`, i * 3]),
  )
  const statement = await db.prepare('SELECT id, name, n FROM t WHERE id = ?')
  const key = (i: number) => (i * 7919) % rows
  const awaited = async (count: number) => {
    for (let i = 0; i < count; i += 1) await statement.get(key(i))
  }
  const pipelined = async (count: number) => {
    for (let i = 0; i < count; i += inFlight) {
      await Promise.all(Array.from({ length: inFlight }, (_, j) => statement.get(key(i + j))))
    }
  }
  await awaited(2000)
  const one = await timeMs(() => awaited(selects))
  await pipelined(20_000)
  const many = await timeMs(() => pipelined(selects))
  await db.close()
  return { awaited: selects / (one / 1000), pipelined: selects / (many / 1000) }
}

/** Open a database that exists, and its first query. Milliseconds over many databases left open. */
export async function openAndQuery(storage: Storage, databases: number) {
  const names = Array.from({ length: databases }, () => `bench/open/${nextActor()}`)
  for (const name of names) {
    const db = await storage.open(name)
    await db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'one')")
    await db.close()
  }
  const open: Database[] = []
  const samples: number[] = []
  for (const name of names) {
    samples.push(
      await timeMs(async () => {
        const db = await storage.open(name)
        open.push(db)
        await db.get('SELECT v FROM t WHERE id = 1')
      }),
    )
  }
  await Promise.all(open.map((db) => db.close()))
  return { p50: median(samples), p99: quantile(samples, 0.99) }
}

export const openBench = (store: string): Promise<Storage> => openStorage({ store })
