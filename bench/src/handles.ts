/**
 * What open databases cost that nobody uses: opens many in one process, has each run a query and
 * fall asleep, and wakes some of them at random.
 *
 *     npm run bench -- handles [--dir DIR] [--handles 1000000] [--wakes 10000]
 *
 * Memory is that of the process beyond what it took before the first handle, the store's buffers and
 * caches included; garbage is collected before each look at it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Database, openStorage } from 'actor-sqlite'
import { quantile } from './measure.js'

const { values: options } = parseArgs({
  options: {
    dir: { type: 'string', default: tmpdir() },
    handles: { type: 'string', default: '1000000' },
    wakes: { type: 'string', default: '10000' },
  },
})
const handles = Number(options.handles)
const wakes = Math.min(Number(options.wakes), handles)
const CONCURRENCY = 256

/** Runs `work` for each number below `count`, so many at a time. */
async function each(count: number, work: (i: number) => Promise<void>): Promise<number> {
  let next = 0
  const started = performance.now()
  const lane = async () => {
    while (next < count) {
      next += 1
      await work(next - 1)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, lane))
  return performance.now() - started
}

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0)
const perHandle = (bytes: number) => Math.round(bytes / handles).toLocaleString('en-US')

function memory() {
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  return { rss, heapUsed }
}

const directory = mkdtempSync(join(options.dir, 'actor-sqlite-handles-'))
try {
  const storage = await openStorage({ store: join(directory, 'store') })
  const warm = await storage.open('warm')
  await warm.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v)')
  await warm.close()
  const before = memory()
  const databases: Database[] = new Array(handles)

  const opening = await each(handles, async (i) => {
    const db = await storage.open(`handle/${i}`, { idleTimeoutMs: 1000 })
    await db.get('SELECT 1')
    databases[i] = db
  })
  console.log(
    `opened ${handles} with a query each: ${(opening / 1000).toFixed(1)} s, ${Math.round(handles / (opening / 1000))} /s`,
  )
  while (storage.metrics.sleep.awake > 0) await new Promise((resolve) => setTimeout(resolve, 500))
  // What they gave up goes back to the system in the next quiet moment.
  await new Promise((resolve) => setTimeout(resolve, 3000))
  const after = memory()
  const { sleep } = storage.metrics
  console.log(`asleep ${sleep.asleep}, awake ${sleep.awake}`)
  console.log(
    `rss ${mib(before.rss)} -> ${mib(after.rss)} MiB: ${perHandle(after.rss - before.rss)} B a handle`,
  )
  console.log(`of which JavaScript's heap: ${perHandle(after.heapUsed - before.heapUsed)} B a handle`)

  const samples: number[] = []
  let seed = 1
  const reads = storage.metrics.databases.vfs.storeReads
  for (let i = 0; i < wakes; i += 1) {
    seed = (seed * 48271) % 2147483647
    const db = databases[seed % handles] as Database
    const started = performance.now()
    await db.get('SELECT 2')
    samples.push(1000 * (performance.now() - started))
  }
  const now = storage.metrics
  console.log(
    `woke ${now.sleep.wakes - sleep.wakes}: p50 ${Math.round(quantile(samples, 0.5))} µs, p99 ${Math.round(quantile(samples, 0.99))} µs, store reads ${now.databases.vfs.storeReads - reads}`,
  )
  const closing = performance.now()
  await storage.close()
  console.log(`closed: ${((performance.now() - closing) / 1000).toFixed(1)} s`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
