/**
 * What calls tell those who trace: the messages of the tracing channel `actor-sqlite:query`. Nobody
 * subscribed costs a call one look at the channel.
 */

import { tracingChannel } from 'node:diagnostics_channel'
import { Failure } from './errors.js'
import type { Core, Scope } from './scope.js'
import type { BatchStatement, ResultSet } from './types.js'

/** The name of the tracing channel of `node:diagnostics_channel`. */
export const QUERY_CHANNEL = 'actor-sqlite:query'

/** What a call does. Statements give the names of their methods too. */
export type TraceOperation =
  | 'run'
  | 'get'
  | 'all'
  | 'values'
  | 'pluck'
  | 'iterate'
  | 'exec'
  | 'prepare'
  | 'batch'
  | 'transaction'
  | 'savepoint'
  | 'commit'
  | 'durable'
  | 'export'
  | 'serialize'
  | 'open'
  | 'close'

/**
 * One call, as it is published on the tracing channel: the same object at each of its events `start`,
 * `end`, `error`, `asyncStart` and `asyncEnd`. No bound value is in it.
 */
export interface TraceMessage {
  readonly operation: TraceOperation
  /** Whose database. */
  readonly actor: string
  /** The namespace of the actor's name; empty for the one without a name. */
  readonly namespace: string
  /** The SQL text as it was given; of a batch all texts, by `; `, or the one that all have. */
  readonly sql?: string
  /** How many statements a batch has, or rows of parameters. */
  readonly batchSize?: number
  /** Rows that came, from `asyncStart` on. */
  rows?: number
  /** Rows that were changed, from `asyncStart` on. */
  changes?: number
  /** What the call rejects with, from `error` on. */
  error?: unknown
}

/** What became of a call, in numbers. */
export type Outcome = Pick<TraceMessage, 'rows' | 'changes'>

const nothing = (): Outcome => ({})

const channel = tracingChannel<unknown, TraceMessage>(QUERY_CHANNEL)
const { start, end, asyncStart, asyncEnd, error: failed } = channel

/** Whether anybody listens. */
export const isTraced = (): boolean => channel.hasSubscribers

/** The message of a call. */
export function messageOf(
  { core: { name, namespace } }: { readonly core: Pick<Core, 'name' | 'namespace'> },
  operation: TraceOperation,
  sql?: string,
): TraceMessage {
  return sql === undefined
    ? { operation, actor: name, namespace }
    : { operation, actor: name, namespace, sql }
}

/** Tells of a call that ends by `finished`, however many requests it makes until then. */
export function started(call: TraceMessage): void {
  start.runStores(call, nothing)
  end.publish(call)
}

/** Tells that a call succeeded. */
export function finished(call: TraceMessage, outcome: Outcome): void {
  Object.assign(call, outcome)
  asyncStart.publish(call)
  asyncEnd.publish(call)
}

/** Tells that a call failed. */
export function broken(call: TraceMessage, error: unknown): void {
  call.error = error
  failed.publish(call)
  finished(call, {})
}

/** Makes a call with what subscribers have bound to `start`, and tells of it. */
export async function traced<T>(
  call: TraceMessage,
  work: () => Promise<T>,
  outcome: (result: Exclude<T, Failure>) => Outcome = nothing,
): Promise<T> {
  // What the work throws at once is a rejection to whoever called, and so it is to subscribers.
  const running = start.runStores(call, async () => await work())
  end.publish(call)
  let result: T
  try {
    result = await running
    // The caller throws the very error that was published.
    if (result instanceof Failure) throw result.error()
  } catch (error) {
    broken(call, error)
    throw error
  }
  finished(call, outcome(result as Exclude<T, Failure>))
  return result
}

/** Makes a call, and tells of it if anybody listens. */
export function told<T>(
  scope: Pick<Scope, 'core'>,
  operation: TraceOperation,
  sql: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  return isTraced() ? traced(messageOf(scope, operation, sql), work) : work()
}

/** The message of a batch of statements. */
export function batchMessage(
  scope: Pick<Scope, 'core'>,
  statements: readonly BatchStatement[],
): TraceMessage {
  const texts = statements.map((statement) => (typeof statement === 'string' ? statement : statement.sql))
  const text = new Set(texts).size === 1 ? texts[0] : texts.join('; ')
  return { ...messageOf(scope, 'batch', text), batchSize: statements.length }
}

/** Counts what a batch of statements gave. */
export function batchOutcome(results: readonly ResultSet[]): Outcome {
  let [rows, changes] = [0, 0]
  for (const result of results) {
    rows += result.rows.length
    changes += result.rowsAffected
  }
  return { rows, changes }
}
