/**
 * `openDatabaseSync` beside better-sqlite3 (WAL, synchronous FULL) in one run, in turns:
 * `npm run bench sync`. Medians; both on the thread of JavaScript.
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
}

interface Handle {
  exec(sql: string): unknown
  pragma(source: string): unknown
  prepare(sql: string): Statement
  transaction(work: () => void): () => void
  close(): unknown
}

const ROWS = 4096
const ROUNDS = 15

const require = createRequire(join(process.cwd(), 'bench', 'package.json'))
const Peer = require('better-sqlite3') as new (path: string) => Handle

const directory = mkdtempSync(join(tmpdir(), 'actor-sqlite-bench-'))
const peer = new Peer(join(directory, 'peer.db'))
peer.pragma('journal_mode = WAL')
peer.pragma('synchronous = FULL')
const ours: Handle = openDatabaseSync('ours', { store: join(directory, 'store') })

/** The median time of some rounds, in microseconds for each of `count`. */
function median(count: number, round: () => void): string {
  const times = Array.from({ length: ROUNDS }, () => {
    const begun = performance.now()
    round()
    return ((performance.now() - begun) * 1000) / count
  })
  return (times.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0).toFixed(2)
}

function measure(name: string, db: Handle): void {
  db.exec('DROP TABLE IF EXISTS t; CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b REAL, c INTEGER)')
  const insert = db.prepare('INSERT INTO t (a, b, c) VALUES (?, ?, ?)')
  const fill = db.transaction(() => {
    for (let row = 1; row <= ROWS; row += 1) insert.run(`row number ${row}`, row / 3, row)
  })
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
  for (const [what, us] of Object.entries(figures)) console.log(`${name.padEnd(16)} ${what}: ${us} µs`)
}

for (let turn = 0; turn < 2; turn += 1) {
  measure('better-sqlite3', peer)
  measure('actor-sqlite', ours)
}
peer.close()
ours.close()
rmSync(directory, { recursive: true })
