/** Index build, bulk delete and VACUUM of a large database: peaks, and the disk given back. */
import { openStorage, type StorageOptions } from 'actor-sqlite'
import { timeMs } from '../measure.js'
import { directoryMib, peakMib, resetPeak, settled } from './process.js'
import type { Report } from './report.js'

const FILL = `INSERT INTO t (k, v) WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)
  SELECT abs(random()), randomblob(980) FROM n`

export async function vacuum(dir: string, mib: number, options: Partial<StorageOptions>): Promise<Report> {
  const storage = await openStorage({ store: dir, ...options })
  const db = await storage.open('large')
  await db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER, v BLOB)')
  const rows = mib * 1024
  for (let done = 0; done < rows; done += 16_384) await db.run(FILL, Math.min(16_384, rows - done))
  const report: Report = {
    'database, MiB': ((await db.pragma('page_count', { simple: true })) as number) / 256,
  }
  const idle = () => settled(() => storage.metrics.engine.compactionQueue, dir)
  const step = async (name: string, sql: string) => {
    await idle()
    resetPeak()
    report[`${name}, s`] = (await timeMs(() => db.exec(sql))) / 1000
    report[`${name}: peak resident, MiB`] = peakMib()
  }
  await idle()
  report['store directory when loaded, MiB'] = directoryMib(dir)
  await step('CREATE INDEX', 'CREATE INDEX by_k ON t (k)')
  await step('UPDATE of every row', 'UPDATE t SET k = k + 1')
  await step('DELETE of nine rows in ten', 'DELETE FROM t WHERE id % 10 <> 0')
  await step('VACUUM', 'VACUUM')
  report['database after VACUUM, MiB'] = ((await db.pragma('page_count', { simple: true })) as number) / 256
  await idle()
  report['store directory at rest, MiB'] = directoryMib(dir)
  const sound = await db.pragma('integrity_check', { simple: true })
  if (sound !== 'ok') throw new Error(`integrity_check: ${sound}`)
  await storage.close()
  return report
}
