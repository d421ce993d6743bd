/** The metrics of a storage as tables. */
import type { Storage } from 'actor-sqlite'
import { bytes, count, heading, ms, table } from './console.js'

const millis = (ns: number) => ms(ns / 1e6)
const micros = (ns: number, n: number) => (n === 0 ? '—' : `${(ns / n / 1000).toFixed(1)} µs`)

export function showMetrics(storage: Storage): void {
  const { databases, engine, kv, pageCache } = storage.metrics
  const { commit, vfs, statements } = databases

  heading('What it cost so far: the time of a commit')
  const phases = [
    ['collect the changed pages', commit.requestBuildNs],
    ['encode them (LZ4, checksums)', commit.serializeNs],
    ['order the batch in the store', commit.transportNs],
    ['update index and cache', commit.stateUpdateNs],
    ['all of it', commit.totalNs],
  ] as const
  table(
    ['phase', 'each', 'sum'],
    phases.map(([name, ns]) => [name, micros(ns, commit.commitCount), millis(ns)]),
  )

  heading('… and what was done')
  table(
    ['what', 'count', ''],
    [
      [
        'statements',
        count(statements.selectCount + statements.insertCount + statements.otherCount),
        `${micros(statements.durationNs, statements.selectCount + statements.insertCount + statements.otherCount)} each`,
      ],
      [
        'commits',
        count(commit.commitCount),
        `${count(vfs.commitsBatch)} batch-atomic, ${count(vfs.commitsSync)} through the journal`,
      ],
      [
        'rows a commit',
        (engine.commitRows / Math.max(1, engine.commits)).toFixed(1),
        `${bytes(engine.commitBytes / Math.max(1, engine.commits))} stored each, ${bytes(vfs.bytesWritten / Math.max(1, engine.commits))} of pages`,
      ],
      [
        'fsyncs',
        count(kv.syncs),
        `${(kv.syncedCommits / Math.max(1, kv.syncs)).toFixed(1)} commits each, ${micros(kv.syncNs.totalNs, kv.syncs)}`,
      ],
      [
        'databases opened',
        count(engine.claims),
        `${count(engine.databasesCreated)} made, ${micros(engine.claimNs, engine.claims)} each`,
      ],
      ['pages read', count(vfs.cacheHits + vfs.cacheMisses), `${count(vfs.cacheMisses)} from the store`],
      [
        'deltas folded',
        count(engine.compactionDeltas),
        `into ${count(engine.compactionShards)} shards by ${count(engine.compactions)} compactions`,
      ],
      ['rows given back', count(engine.reclaimRows), bytes(engine.reclaimBytes)],
      [
        'page cache',
        count(pageCache.entries),
        `pages, ${bytes(pageCache.weightedBytes)} of ${bytes(pageCache.capacityBytes)}`,
      ],
    ],
  )
}
