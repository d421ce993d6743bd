/** One transaction far larger than memory: its peak, and what is there afterwards. */
import { openStorage, type StorageOptions } from 'actor-sqlite'
import { timeMs } from '../measure.js'
import { directoryMib, peakMib, resetPeak, residentMib } from './process.js'
import type { Report } from './report.js'

const ROW_BYTES = 4000
const FILL = `INSERT INTO t (v) WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)
  SELECT randomblob(${ROW_BYTES}) FROM n`

/** Inserts `mib` MiB of rows that cannot be compressed, in one transaction. */
export async function transaction(
  dir: string,
  mib: number,
  options: Partial<StorageOptions>,
): Promise<Report> {
  const storage = await openStorage({ store: dir, ...options })
  const db = await storage.open('large')
  await db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
  const rows = Math.floor((mib * (1 << 20)) / 4096)
  const before = residentMib()
  resetPeak()
  const ms = await timeMs(() =>
    db.transaction(async (tx) => {
      for (let done = 0; done < rows; done += 10_000) await tx.run(FILL, Math.min(10_000, rows - done))
    }),
  )
  const peak = peakMib()
  const count = await db.get<{ n: number }>('SELECT count(*) AS n FROM t')
  if (count?.n !== rows) throw new Error(`${count?.n} rows of ${rows}`)
  await storage.close()
  return {
    'transaction, MiB': mib,
    'time, s': ms / 1000,
    'MiB/s': mib / (ms / 1000),
    'resident before, MiB': before,
    'peak resident, MiB': peak,
    'store directory, MiB': directoryMib(dir),
  }
}
