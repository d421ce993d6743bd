/** Commit latencies: quiet, under compaction, and while one actor storms beside a thousand mild ones. */
import { type Database, openStorage, type Storage } from 'actor-sqlite'
import { median, quantile, randomBytes, timeMs } from '../measure.js'
import { sleep } from './process.js'
import type { Report } from './report.js'

const SCHEMA = 'CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)'
const INSERT = 'INSERT INTO t VALUES (NULL, ?)'
const VALUE = randomBytes(200, 5)

async function open(storage: Storage, name: string): Promise<Database> {
  const db = await storage.open(name)
  await db.exec(SCHEMA)
  return db
}

/** A commit of each mild actor a second, spread evenly, for a while. Milliseconds of each. */
async function mild(actors: readonly Database[], seconds: number): Promise<number[]> {
  const samples: number[] = []
  const began = performance.now()
  const commit = async (db: Database, at: number) => {
    const wait = at - (performance.now() - began)
    if (wait > 0) await sleep(wait)
    samples.push(await timeMs(() => db.run(INSERT, VALUE)))
  }
  await Promise.all(
    actors.map(async (db, i) => {
      for (let second = 0; second < seconds; second += 1) {
        await commit(db, 1000 * (second + i / actors.length))
      }
    }),
  )
  return samples
}

export async function storm(dir: string, actors: number, seconds: number): Promise<Report> {
  const storage = await openStorage({ store: dir })
  const hot = await open(storage, 'hot')
  const many: Database[] = []
  for (let i = 0; i < actors; i += 64) {
    const wave = Array.from({ length: Math.min(64, actors - i) }, (_, j) => open(storage, `mild/${i + j}`))
    many.push(...(await Promise.all(wave)))
  }
  const alone: number[] = []
  for (let i = 0; i < 60; i += 1) alone.push(await timeMs(() => hot.run(INSERT, VALUE)))
  const compacting: number[] = []
  for (let i = 0; i < 3000; i += 1) compacting.push(await timeMs(() => hot.run(INSERT, VALUE)))
  const quiet = await mild(many, seconds)
  const before = storage.metrics.engine
  let ended = false
  let commits = 0
  let deepest = 0
  const hotSamples: number[] = []
  const storming = Array.from({ length: 16 }, async () => {
    while (!ended) {
      hotSamples.push(await timeMs(() => hot.run(INSERT, VALUE)))
      commits += 1
    }
  })
  const watching = (async () => {
    while (!ended) {
      deepest = Math.max(deepest, storage.metrics.engine.compactionQueue)
      // Seldom: it takes 2 ms of the measuring thread, as it adds up a thousand databases.
      await sleep(1000)
    }
  })()
  const stormy = await mild(many, seconds)
  ended = true
  await Promise.all([...storming, watching])
  const after = storage.metrics.engine
  const written = after.commitBytes - before.commitBytes
  const compacted = after.compactionBytes - before.compactionBytes
  const report: Report = {
    'one actor alone, commit p50 / p99, ms': `${median(alone).toFixed(2)} / ${quantile(alone, 0.99).toFixed(2)}`,
    'one actor, compaction going on, p50 / p99, ms': `${median(compacting).toFixed(2)} / ${quantile(compacting, 0.99).toFixed(2)}`,
    [`${actors} mild actors, quiet, p50 / p99, ms`]: `${median(quiet).toFixed(2)} / ${quantile(quiet, 0.99).toFixed(2)}`,
    [`${actors} mild actors under the storm, p50 / p99, ms`]: `${median(stormy).toFixed(2)} / ${quantile(stormy, 0.99).toFixed(2)}`,
    'the hot actor, 16 commits in flight, p50 / p99, ms': `${median(hotSamples).toFixed(2)} / ${quantile(hotSamples, 0.99).toFixed(2)}`,
    'commits/s of the hot actor': commits / seconds,
    'databases waiting for compaction, most': deepest,
    'write amplification (commits and compaction / commits)': (written + compacted) / written,
  }
  await storage.close()
  return report
}
