/** The same cases on better-sqlite3, WAL, synchronous FULL, a file an actor. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { median, quantile, randomBytes, timeMs } from './measure.js'
import type { TransactionCase } from './ours.js'

interface PeerStatement {
  run(...values: unknown[]): unknown
  get(...values: unknown[]): unknown
}
interface Peer {
  exec(sql: string): unknown
  pragma(sql: string): unknown
  prepare(sql: string): PeerStatement
  transaction<A extends unknown[]>(fn: (...values: A) => void): (...values: A) => void
  close(): void
}

// Built in this folder, not in the one the compiled file lies in.
const require = createRequire(new URL('../../../bench/package.json', import.meta.url))
const PeerDatabase = require('better-sqlite3') as new (path: string) => Peer
let files = 0
const nextFile = () => {
  files += 1
  return files
}

function open(path: string): Peer {
  const db = new PeerDatabase(path)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.pragma('cache_size = -16000')
  return db
}

function fresh(dir: string, schema: string): Peer {
  const db = open(join(dir, `peer-${nextFile()}.db`))
  db.exec(schema)
  return db
}

export async function transaction(
  dir: string,
  { rows, rowBytes }: TransactionCase,
  rounds: number,
): Promise<number> {
  const values = Array.from({ length: rows }, (_, i) => [i + 1, randomBytes(rowBytes, i + 1)] as const)
  const samples: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const db = fresh(dir, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
    const insert = db.prepare('INSERT INTO t VALUES (?, ?)')
    const all = db.transaction(() => {
      for (const row of values) insert.run(...row)
    })
    const ms = await timeMs(all)
    db.close()
    if (round > 0) samples.push(ms)
  }
  return median(samples)
}

export async function autocommit(dir: string, commits: number) {
  const db = fresh(dir, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
  const insert = db.prepare('INSERT INTO t VALUES (NULL, ?)')
  const value = randomBytes(200, 7)
  const samples: number[] = []
  for (let i = 0; i < commits; i += 1) samples.push(1000 * (await timeMs(() => insert.run(value))))
  db.close()
  return { p50: median(samples), p99: quantile(samples, 0.99) }
}

export async function concurrentCommits(dir: string, writers: number, commitsEach: number): Promise<number> {
  const databases = Array.from({ length: writers }, () =>
    fresh(dir, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)'),
  )
  const inserts = databases.map((db) => db.prepare('INSERT INTO t VALUES (NULL, ?)'))
  const value = randomBytes(200, 7)
  const ms = await timeMs(() => {
    for (let i = 0; i < commitsEach; i += 1) for (const insert of inserts) insert.run(value)
  })
  for (const db of databases) db.close()
  return (writers * commitsEach) / (ms / 1000)
}

export async function pointSelects(dir: string, selects: number): Promise<number> {
  const rows = 10_000
  const db = fresh(dir, 'CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER)')
  const insert = db.prepare('INSERT INTO t VALUES (?, ?, ?)')
  db.transaction(() => {
    for (let i = 0; i < rows; i += 1) insert.run(i, `row ${i}`, i * 3)
  })()
  const statement = db.prepare('SELECT id, name, n FROM t WHERE id = ?')
  const all = (count: number) => {
    for (let i = 0; i < count; i += 1) statement.get((i * 7919) % rows)
  }
  all(2000)
  const ms = await timeMs(() => all(selects))
  db.close()
  return selects / (ms / 1000)
}

export async function openAndQuery(dir: string, databases: number) {
  const paths = Array.from({ length: databases }, () => join(dir, `peer-${nextFile()}.db`))
  for (const path of paths) {
    const db = open(path)
    db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'one')")
    db.close()
  }
  const opened: Peer[] = []
  const samples: number[] = []
  for (const path of paths) {
    samples.push(
      await timeMs(() => {
        const db = open(path)
        opened.push(db)
        db.prepare('SELECT v FROM t WHERE id = 1').get()
      }),
    )
  }
  for (const db of opened) db.close()
  return { p50: median(samples), p99: quantile(samples, 0.99) }
}
