/**
 * `openDatabaseSync` beside better-sqlite3 and node:sqlite (WAL, synchronous FULL), in turns:
 * `npm run bench sync`. Medians; all on the thread of JavaScript. Each Node measures the peers it has.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabaseSync } from 'actor-sqlite'

interface Statement {
  run(...values: unknown[]): unknown
  get(...values: unknown[]): unknown
  all(...values: unknown[]): unknown[]
  iterate(...values: unknown[]): Iterable<unknown>
}

interface Handle {
  exec(sql: string): unknown
  prepare(sql: string): Statement
  close(): unknown
}

type Opened = new (path: string) => Handle

const ROWS = 4096
const MANY_ROWS = 1_000_000
const ROUNDS = 15

const directory = mkdtempSync(join(tmpdir(), 'actor-sqlite-bench-'))
const peers = new Map<string, Handle>()

/** Opens a peer, if this Node has it. */
function openPeer(name: string, load: () => Opened): void {
  try {
    const peer = new (load())(join(directory, `${name.replace(':', '-')}.db`))
    peer.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    peers.set(name, peer)
  } catch (error) {
    console.log(`Node ${process.version} has no ${name} here: ${String(error).split('\n')[0]}`)
  }
}

const require = createRequire(join(process.cwd(), 'bench', 'package.json'))
openPeer('better-sqlite3', () => require('better-sqlite3') as Opened)
openPeer('node:sqlite', () => (require('node:sqlite') as { DatabaseSync: Opened }).DatabaseSync)
peers.set('actor-sqlite', openDatabaseSync('ours', { store: join(directory, 'store') }))

/** The median time of some rounds, in microseconds for each of `count`. */
function median(count: number, round: () => void, rounds = ROUNDS): string {
  const times = Array.from({ length: rounds }, () => {
    const begun = performance.now()
    round()
    return ((performance.now() - begun) * 1000) / count
  })
  return (times.sort((a, b) => a - b)[rounds >> 1] ?? 0).toFixed(2)
}

function count(rows: Iterable<unknown>): void {
  let found = 0
  for (const _ of rows) found += 1
  if (found !== MANY_ROWS) throw new Error(`${found} rows`)
}

function measure(name: string, db: Handle): void {
  db.exec('DROP TABLE IF EXISTS t; CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b REAL, c INTEGER)')
  const insert = db.prepare('INSERT INTO t (a, b, c) VALUES (?, ?, ?)')
  const fill = (): void => {
    db.exec('BEGIN')
    for (let row = 1; row <= ROWS; row += 1) insert.run(`row number ${row}`, row / 3, row)
    db.exec('COMMIT')
  }
  const select = db.prepare('SELECT * FROM t WHERE id = ?')
  const all = db.prepare('SELECT * FROM t LIMIT 4096')
  const figures = {
    'a transaction of 4,096 inserts, each': median(ROWS, fill),
    'a row by its key': median(ROWS, () => {
      for (let row = 1; row <= ROWS; row += 1) select.get(row)
    }),
    'all rows, each': median(ROWS, () => all.all()),
    'a commit of one insert': median(1, () => insert.run('one', 1, 1)),
  }
  db.exec(`INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 100001 UNION ALL SELECT i + 1 FROM n LIMIT ${MANY_ROWS})
    SELECT i, 'row number ' || i, i / 3.0, i FROM n`)
  const many = db.prepare('SELECT * FROM t WHERE id > 100000')
  const iterated = { 'iterate over 1,000,000 rows, each': median(MANY_ROWS, () => count(many.iterate()), 3) }
  for (const [what, us] of Object.entries({ ...figures, ...iterated }))
    console.log(`${name.padEnd(16)} ${what}: ${us} µs`)
}

console.log(`\nNode ${process.version}`)
for (let turn = 0; turn < 2; turn += 1) {
  for (const [name, db] of peers) measure(name, db)
}
for (const db of peers.values()) db.close()
rmSync(directory, { recursive: true })
