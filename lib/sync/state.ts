/** What the objects of one synchronous database share, and the rules of who may call when. */

import type { ErrorPayload } from '../../native.cjs'
import { Failure } from '../errors.js'

/** How values cross where `openDatabaseSync` and better-sqlite3 differ. */
export interface Dialect {
  /**
   * As better-sqlite3: numbers bind as REAL, booleans do not bind, `undefined` is NULL, and an INTEGER
   * beyond a number's precision is rounded.
   */
  readonly exact: boolean
}

/** How INTEGER values come out, by the addon's numbers. */
export const Mode = { number: 0, bigint: 1, auto: 2, rounded: 3 } as const

/** A database that is open for synchronous calls. */
export interface SyncState {
  readonly handle: number
  readonly dialect: Dialect
  open: boolean
  /** A call is under way: a function that SQLite calls must not use the database. */
  busy: boolean
  /** Results that are being read. */
  iterators: number
  /** Writing while a result is read is allowed. */
  unsafe: boolean
  /** The mode of statements without safe integers. */
  readonly mode: number
  /** Whether new statements have safe integers. */
  safeIntegers: boolean
  /** Told of each statement that runs. */
  readonly verbose: ((sql: string) => unknown) | undefined
  /** What a function that SQLite called has thrown. */
  thrown: { readonly error: unknown } | undefined
}

function refused(message: string, code: string): TypeError {
  return Object.assign(new TypeError(message), { code })
}

export function busyError(): TypeError {
  return refused('This database connection is busy executing a query', 'ERR_BUSY')
}

/** Throws unless the database is open. */
export function requireOpen(state: SyncState): void {
  if (!state.open) throw refused('The database connection is not open', 'ERR_CLOSED')
}

/** Throws unless the database is open and no call is under way. */
export function requireIdle(state: SyncState): void {
  requireOpen(state)
  if (state.busy) throw busyError()
}

/** Throws if a result is being read. */
export function requireNoIterators(state: SyncState): void {
  if (state.iterators > 0) throw busyError()
}

/** Throws if a result is being read, unless that is allowed. */
export function requireNoIteratorsUnlessUnsafe(state: SyncState): void {
  if (!state.unsafe && state.iterators > 0) throw busyError()
}

export function lockedError(): TypeError {
  return refused('This statement is busy executing a query', 'ERR_BUSY')
}

/** The error of a failed call: what a function of the caller's threw goes before SQLite's words for it. */
export function errorOf(state: SyncState, payload: unknown): unknown {
  const { thrown } = state
  if (thrown !== undefined) {
    state.thrown = undefined
    return thrown.error
  }
  return Failure.of(payload as ErrorPayload).error()
}

/** Whether an answer of the addon is a failure. */
export function isFailure(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'kind' in answer
}

/** Makes a call of the addon during which nothing else may use the database. */
export function calling<T>(state: SyncState, call: () => T): T {
  state.busy = true
  state.thrown = undefined
  let answer: T
  try {
    answer = call()
  } finally {
    state.busy = false
  }
  if (isFailure(answer)) throw errorOf(state, answer)
  return answer
}

/** Tells of a statement before it runs. It is part of the run: what it throws ends that. */
export function log(state: SyncState, text: () => unknown): void {
  const { verbose } = state
  if (verbose === undefined) return
  const sql = calling(state, text) as string
  state.busy = true
  try {
    verbose(sql)
  } finally {
    state.busy = false
  }
}
