/** Reads of the store: a scan, and the first query of an actor that slept. */
import { openStorage } from 'actor-sqlite'
import { median, quantile, timeMs } from '../measure.js'
import type { Report } from './report.js'

/** A table of `mib` MiB, read whole by an actor that was just opened. */
export async function scan(dir: string, mib: number): Promise<Report> {
  const storage = await openStorage({ store: dir })
  const writer = await storage.open('scan')
  await writer.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
  await writer.run(
    `INSERT INTO t (v) WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     SELECT randomblob(1000) FROM n`,
    mib * 1000,
  )
  await writer.close()
  const report: Report = { 'table, MiB': mib }
  const queries = {
    forward: 'SELECT sum(length(v)) FROM t',
    backward: 'SELECT sum(length(v)) FROM (SELECT v FROM t ORDER BY id DESC)',
  }
  for (const [name, sql] of Object.entries(queries)) {
    const db = await storage.open('scan')
    const ms = await timeMs(() => db.get(sql))
    const { vfs } = db.metrics
    report[`${name}: reads of the store`] = vfs.storeReads
    report[`${name}: ms`] = ms
    await db.close()
  }
  await storage.close()
  return report
}

/** Opening and first query of slept actors: without hints at first, then with what the first wake taught. */
export async function wake(dir: string, actors: number): Promise<Report> {
  const storage = await openStorage({ store: dir })
  const names = Array.from({ length: actors }, (_, i) => `wake/${i}`)
  for (const name of names) {
    const db = await storage.open(name)
    await db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT UNIQUE, v BLOB)')
    await db.run(
      `INSERT INTO t (k, v) WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500)
       SELECT 'key ' || i, randomblob(400) FROM n`,
    )
    await db.close()
  }
  const report: Report = {}
  for (const round of ['without hints', 'with hints']) {
    const samples: number[] = []
    let reads = 0
    for (const name of names) {
      let db: Awaited<ReturnType<typeof storage.open>> | undefined
      samples.push(
        await timeMs(async () => {
          db = await storage.open(name)
          await db.get('SELECT v FROM t WHERE k = ?', 'key 77')
        }),
      )
      reads += db?.metrics.vfs.storeReads ?? 0
      await db?.close()
    }
    report[`${round}: p50 / p99, ms`] =
      `${median(samples).toFixed(2)} / ${quantile(samples, 0.99).toFixed(2)}`
    report[`${round}: reads of the store after the claim`] = reads / actors
  }
  await storage.close()
  return report
}
