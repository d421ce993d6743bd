/** The counters of the process in the forms that monitoring systems read. */

import type { HistogramMetrics, StorageMetrics } from '../native.cjs'
import { native } from './native.js'

const SECOND_NS = 1e9

/** One line of samples: labels, and the value. */
type Sample = readonly [labels: string, value: number]

interface Family {
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
const plain = (value: number): Sample => ['', value]
const labelled = (label: string, values: Record<string, number>): Sample[] =>
  Object.entries(values).map(([value, count]) => [`{${label}="${value}"}`, count])

/** A histogram in seconds; its samples carry the suffixes of their names. */
function histogram(name: string, help: string, { buckets, totalNs }: HistogramMetrics): Family {
  let count = 0
  const samples: Sample[] = buckets.slice(0, -1).map((bucket, power) => {
    count += bucket
    return [`_bucket{le="${2 ** (power + 1) / SECOND_NS}"}`, count]
  })
  count += buckets.at(-1) ?? 0
  samples.push(['_bucket{le="+Inf"}', count], ['_sum', totalNs / SECOND_NS], ['_count', count])
  return { name, type: 'histogram', help, samples }
}

/** Sums two trees of counters of the same form. */
function sum<T>(left: T, right: T): T {
  if (typeof left === 'number') return (left + (right as number)) as T
  if (Array.isArray(left)) return left.map((value, index) => sum(value, (right as unknown[])[index])) as T
  const total: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(left as object)) {
    total[name] = sum(value, (right as Record<string, unknown>)[name])
  }
  return total as T
}

/** The counters of all stores of the process together; `undefined` if none is open. */
function processTotals(): StorageMetrics | undefined {
  const stores = native.processMetrics()
  return stores.length === 0 ? undefined : stores.reduce((left, right) => sum(left, right))
}

/** `pages_read` for `pagesRead`. */
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Every counter of a part of the metrics under its own name; sums of nanoseconds become seconds. */
function every(prefix: string, part: object, help: string, gauges: readonly string[] = []): Family[] {
  return Object.entries(part).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value !== 'number') return []
    const isTime = name.endsWith('Ns')
    const base = `${prefix}_${snake(isTime ? `${name.slice(0, -2)}Seconds` : name)}`
    const sample = plain(isTime ? value / SECOND_NS : value)
    const text = `${help}: ${snake(name).replaceAll('_', ' ')}.`
    return [gauges.includes(name) ? gauge(base, text, sample) : counter(`${base}_total`, text, sample)]
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

function text({ name, type, help, samples }: Family): string {
  const lines = samples.map(([labels, value]) => `${name}${labels} ${value}`)
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join('\n')
}

/**
 * The counters of all stores of this process, closed databases included, in the text format of
 * Prometheus. No label names an actor.
 */
export function prometheus(): string {
  const metrics = processTotals()
  if (metrics === undefined) return ''
  return `${[...databaseFamilies(metrics), ...storeFamilies(metrics)].map(text).join('\n')}\n`
}

/** Calls and time of one label. */
export interface LabeledTiming {
  readonly calls: number
  readonly totalMs: number
  readonly keys: number
}

/** One metric as an inspector shows it. */
export type InspectorMetric =
  | { readonly type: 'counter' | 'gauge'; readonly help: string; readonly value: number }
  | {
      readonly type: 'labeled_counter'
      readonly help: string
      readonly values: Readonly<Record<string, number>>
    }
  | {
      readonly type: 'labeled_timing'
      readonly help: string
      readonly values: Readonly<Record<string, LabeledTiming>>
    }

const MILLISECOND_NS = 1e6

/** The counters of all stores of this process by name, in the form that an actor's inspector reads. */
export function inspectorMetrics(): Record<string, InspectorMetric> {
  const metrics = processTotals()
  if (metrics === undefined) return {}
  const { commit, statements, vfs, queue } = metrics.databases
  const phase = (ns: number): LabeledTiming => ({
    calls: commit.commitCount,
    totalMs: ns / MILLISECOND_NS,
    keys: 0,
  })
  const { selectCount, insertCount, updateCount, deleteCount, otherCount } = statements
  return {
    sqlite_commit_phases: {
      type: 'labeled_timing',
      help: 'Time of landed commits by phase',
      values: {
        request_build: phase(commit.requestBuildNs),
        serialize: phase(commit.serializeNs),
        transport: phase(commit.transportNs),
        state_update: phase(commit.stateUpdateNs),
      },
    },
    sql_statements: {
      type: 'labeled_counter',
      help: 'Runs of statements by kind',
      values: {
        select: selectCount,
        insert: insertCount,
        update: updateCount,
        delete: deleteCount,
        other: otherCount,
      },
    },
    sql_duration_ms: {
      type: 'counter',
      help: 'Time in calls',
      value: statements.durationNs / MILLISECOND_NS,
    },
    sqlite_commits: { type: 'counter', help: 'Landed commits', value: commit.commitCount },
    sqlite_pages_read: {
      type: 'counter',
      help: 'Committed pages that SQLite asked for',
      value: vfs.pagesRead,
    },
    sqlite_page_cache_hits: { type: 'counter', help: 'Pages found in the page cache', value: vfs.cacheHits },
    sqlite_page_cache_misses: { type: 'counter', help: 'Pages read from the store', value: vfs.cacheMisses },
    sqlite_write_buffer_dirty_pages: {
      type: 'gauge',
      help: 'Pages written since the last commit',
      value: vfs.writeBufferDirtyPages,
    },
    sqlite_open_databases: {
      type: 'gauge',
      help: 'Databases that are open now',
      value: metrics.openDatabases,
    },
    sqlite_queue_depth: { type: 'gauge', help: 'Calls that wait', value: queue.depth },
  }
}
