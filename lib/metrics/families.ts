/** The names of all metrics and where their values are: one source for every form they are given in. */

import type { HistogramMetrics, StorageMetrics } from '../../native.cjs'

const SECOND_NS = 1e9

/** One value of a family. */
export interface Sample {
  /** What follows the family's name: `_bucket`, `_sum` or `_count` of a histogram. */
  readonly suffix: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Values under one name, as Prometheus groups them. */
export interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

const counter = (name: string, help: string, ...samples: Sample[]): Family => ({
  name,
  type: 'counter',
  help,
  samples,
})
const gauge = (name: string, help: string, ...samples: Sample[]): Family => ({
  name,
  type: 'gauge',
  help,
  samples,
})
const sample = (suffix: string, value: number, labels: Readonly<Record<string, string>> = {}): Sample => ({
  suffix,
  labels,
  value,
})
const plain = (value: number): Sample => sample('', value)
const labelled = (label: string, values: Record<string, number>): Sample[] =>
  Object.entries(values).map(([value, count]) => sample('', count, { [label]: value }))

/** A histogram in seconds. */
function histogram(name: string, help: string, { buckets, totalNs }: HistogramMetrics): Family {
  let count = 0
  const samples = buckets.slice(0, -1).map((bucket, power) => {
    count += bucket
    return sample('_bucket', count, { le: String(2 ** (power + 1) / SECOND_NS) })
  })
  count += buckets.at(-1) ?? 0
  samples.push(
    sample('_bucket', count, { le: '+Inf' }),
    sample('_sum', totalNs / SECOND_NS),
    sample('_count', count),
  )
  return { name, type: 'histogram', help, samples }
}

/** `pages_read` for `pagesRead`. */
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Every counter of a part of the metrics under its own name; sums of nanoseconds become seconds. */
function every(prefix: string, part: object, help: string, gauges: readonly string[] = []): Family[] {
  return Object.entries(part).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value !== 'number') return []
    const isTime = name.endsWith('Ns')
    const base = `${prefix}_${snake(isTime ? `${name.slice(0, -2)}Seconds` : name)}`
    const only = plain(isTime ? value / SECOND_NS : value)
    const text = `${help}: ${snake(name).replaceAll('_', ' ')}.`
    return [gauges.includes(name) ? gauge(base, text, only) : counter(`${base}_total`, text, only)]
  })
}

const VFS_GAUGES = [
  'pageCacheEntries',
  'pageCacheWeightedSize',
  'pageCacheCapacityPages',
  'writeBufferDirtyPages',
  'dbSizePages',
  'scratchBytesUsed',
  'scratchDiskBytesUsed',
]

function databaseFamilies({ databases, openDatabases, opened }: StorageMetrics): Family[] {
  const { vfs, commit, statements, queue, transactions, errors } = databases
  const { selectCount, insertCount, updateCount, deleteCount, otherCount } = statements
  return [
    gauge('actorsql_open_databases', 'Databases that are open now.', plain(openDatabases)),
    counter('actorsql_databases_opened_total', 'Databases opened.', plain(opened)),
    counter(
      'actorsql_commit_phase_seconds_total',
      'Time of landed commits by phase.',
      ...labelled('phase', {
        request_build: commit.requestBuildNs / SECOND_NS,
        serialize: commit.serializeNs / SECOND_NS,
        transport: commit.transportNs / SECOND_NS,
        state_update: commit.stateUpdateNs / SECOND_NS,
      }),
    ),
    counter('actorsql_commit_seconds_total', 'Time of landed commits.', plain(commit.totalNs / SECOND_NS)),
    counter('actorsql_commits_total', 'Landed commits.', plain(commit.commitCount)),
    counter('actorsql_page_cache_hits_total', 'Pages found in the page cache.', plain(vfs.cacheHits)),
    counter('actorsql_page_cache_misses_total', 'Pages read from the store.', plain(vfs.cacheMisses)),
    counter('actorsql_pages_read_total', 'Committed pages that SQLite asked for.', plain(vfs.pagesRead)),
    gauge(
      'actorsql_write_buffer_dirty_pages',
      'Pages written since the last commit.',
      plain(vfs.writeBufferDirtyPages),
    ),
    ...every('actorsql_vfs', vfs, 'Files over the page store', VFS_GAUGES),
    counter(
      'actorsql_statements_total',
      'Runs of statements by kind.',
      ...labelled('kind', {
        select: selectCount,
        insert: insertCount,
        update: updateCount,
        delete: deleteCount,
        other: otherCount,
      }),
    ),
    counter('actorsql_statement_seconds_total', 'Time in calls.', plain(statements.durationNs / SECOND_NS)),
    counter('actorsql_statements_prepared_total', 'Statements compiled.', plain(statements.prepared)),
    counter('actorsql_statement_cache_hits_total', 'Statements found compiled.', plain(statements.cacheHits)),
    counter(
      'actorsql_statement_cache_misses_total',
      'Statements not found compiled.',
      plain(statements.cacheMisses),
    ),
    gauge('actorsql_queue_depth', 'Calls that wait.', plain(queue.depth)),
    gauge(
      'actorsql_queue_depth_max',
      'The most calls that ever waited at one database.',
      plain(queue.depthMax),
    ),
    counter(
      'actorsql_queue_wait_seconds_total',
      'Time that calls have waited.',
      plain(queue.waitNs / SECOND_NS),
    ),
    counter(
      'actorsql_transactions_total',
      'Transactions by their end.',
      ...labelled('end', {
        committed: transactions.committed,
        rolled_back: transactions.rolledBack,
        auto_rolled_back: transactions.autoRolledBack,
      }),
    ),
    counter('actorsql_errors_total', 'Calls that failed.', plain(errors)),
  ]
}

function storeFamilies(metrics: StorageMetrics): Family[] {
  const { kv, engine, executor, sleep, pageCache, scrub } = metrics
  return [
    histogram('actorsql_commit_duration_seconds', 'Time until the store has ordered a commit.', kv.commitNs),
    histogram('actorsql_sync_duration_seconds', 'Time of syncs of the store.', kv.syncNs),
    ...every('actorsql_kv', kv, 'Key-value store'),
    ...every('actorsql_engine', engine, 'Storage engine', [
      'compactionQueue',
      'openDeltas',
      'openDeltaBytes',
      'turnNsMax',
    ]),
    ...every('actorsql_executor', executor, 'Threads that run databases', [
      'threads',
      'running',
      'parked',
      'queueDepth',
    ]),
    ...every('actorsql_sleep', sleep, 'Idle databases', ['awake', 'asleep']),
    ...every('actorsql_scrub', scrub, 'Reading through for damage'),
    ...every('actorsql_page_cache', pageCache, 'Page cache', Object.keys(pageCache)),
  ]
}

/** All metrics of a store. */
export function familiesOf(metrics: StorageMetrics): Family[] {
  return [...databaseFamilies(metrics), ...storeFamilies(metrics)]
}
