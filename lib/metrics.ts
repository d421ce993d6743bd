/** The counters of the process in the forms that monitoring systems read. */

import type { StorageMetrics } from '../native.cjs'
import { type Family, familiesOf } from './metrics/families.js'
import { native } from './native.js'

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

function text({ name, type, help, samples }: Family): string {
  const lines = samples.map(({ suffix, labels, value }) => {
    const pairs = Object.entries(labels).map(([label, of]) => `${label}="${of}"`)
    return `${name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`
  })
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join('\n')
}

/**
 * The counters of all stores of this process, closed databases included, in the text format of
 * Prometheus. No label names an actor.
 */
export function prometheus(): string {
  const metrics = processTotals()
  if (metrics === undefined) return ''
  return `${familiesOf(metrics).map(text).join('\n')}\n`
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
