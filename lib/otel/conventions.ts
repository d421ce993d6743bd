/** Names and attributes of spans and metrics, as the semantic conventions for databases have them. */

import type { Attributes } from '@opentelemetry/api'
import type { TraceMessage } from '../trace.js'
import { type Description, describeSql } from './describe.js'

/** Bounds of the buckets of `db.client.operation.duration`, in seconds. */
export const DURATION_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/** A call in the words of the conventions. */
export interface Described {
  /** The name of its span. */
  readonly name: string
  /** The attributes of its span. */
  readonly attributes: Attributes
  /** The attributes of its time: those that do not name an actor, nor hold a text. */
  readonly dimensions: Attributes
}

/** Calls whose text is no operation of its own. */
const NAMES: Partial<Record<TraceMessage['operation'], string>> = { prepare: 'PREPARE', commit: 'COMMIT' }

function operationOf({ operation }: TraceMessage, sql: Description | undefined): string | undefined {
  if (operation === 'batch') return sql?.operation === undefined ? 'BATCH' : `BATCH ${sql.operation}`
  return NAMES[operation] ?? (sql === undefined ? operation : sql.operation)
}

function nameOf(message: TraceMessage, sql: Description | undefined, operation: string | undefined): string {
  const { operation: call, namespace } = message
  if (sql !== undefined && sql.summary !== '') {
    return call === 'batch' || call === 'prepare' ? `${call.toUpperCase()} ${sql.summary}` : sql.summary
  }
  return `${operation ?? call}${namespace === '' ? '' : ` ${namespace}`}`
}

/** Sets an attribute that there is. */
function set(attributes: Attributes, name: string, value: string | number | undefined): void {
  if (value !== undefined && value !== '') attributes[name] = value
}

/** Describes a call at its start. */
export function described(message: TraceMessage, captureQueryText: boolean): Described {
  const { actor, namespace, batchSize } = message
  const sql = message.sql === undefined ? undefined : describeSql(message.sql)
  const operation = operationOf(message, sql)
  const dimensions: Attributes = { 'db.system.name': 'sqlite' }
  set(dimensions, 'db.operation.name', operation)
  set(dimensions, 'db.collection.name', sql?.target)
  set(dimensions, 'db.query.summary', sql?.summary)
  const attributes: Attributes = { ...dimensions }
  set(dimensions, 'db.namespace', namespace)
  set(attributes, 'db.namespace', namespace === '' ? actor : `${namespace}|${actor}`)
  if (captureQueryText) set(attributes, 'db.query.text', sql?.text)
  if (batchSize !== undefined && batchSize > 1) attributes['db.operation.batch.size'] = batchSize
  return { name: nameOf(message, sql, operation), attributes, dimensions }
}

/** What a failure adds. Codes are SQLite's and the store's; of other errors the name alone is told. */
export function failureOf(error: unknown): { attributes: Attributes; message: string } {
  const { name, code, message } = (error ?? {}) as { name?: unknown; code?: unknown; message?: unknown }
  if (typeof code === 'string' && /^(SQLITE|ERR)_/.test(code) && error instanceof Error) {
    const isOurs = name === 'SqliteError' || name === 'StorageError'
    const attributes = isOurs
      ? { 'db.response.status_code': code, 'error.type': code }
      : { 'error.type': code }
    return { attributes, message: isOurs ? String(message) : code }
  }
  const type = typeof name === 'string' ? name : '_OTHER'
  return { attributes: { 'error.type': type }, message: type }
}
