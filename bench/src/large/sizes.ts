/** What a database takes in the store and as a file of its own. */

import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { openStorage } from 'actor-sqlite'
import { directoryMib, settled } from './process.js'
import type { Report } from './report.js'

const require = createRequire(new URL('../../../../bench/package.json', import.meta.url))

const SCHEMA = 'CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, note TEXT)'
const FILL = `INSERT INTO t (name, note) WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)
  SELECT 'user ' || i, printf('the note of user %d, who came on day %d of the year', i, i % 365) FROM n`

export async function sizes(dir: string, rows: number): Promise<Report> {
  const Peer = require('better-sqlite3') as new (
    path: string,
  ) => { exec(sql: string): void; prepare(sql: string): { run(n: number): void }; close(): void }
  const file = join(dir, 'peer.db')
  const store = join(dir, 'store')
  const peer = new Peer(file)
  peer.exec(SCHEMA)
  peer.prepare(FILL).run(rows)
  peer.close()
  const storage = await openStorage({ store })
  const db = await storage.open('sizes')
  await db.exec(SCHEMA)
  await db.run(FILL, rows)
  await db.run("UPDATE t SET note = note || '.' WHERE id % 100 = 0")
  await db.close()
  await settled(() => storage.metrics.engine.compactionQueue, store)
  await storage.close()
  return {
    rows,
    '.sqlite file, MiB': statSync(file).size / (1 << 20),
    'store directory, MiB': directoryMib(store),
  }
}
