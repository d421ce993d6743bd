/** What the objects of one connection share. */

import type { ErrorPayload } from '../../native.cjs'
import { connectionHandle } from '../connection.js'
import { native } from '../native.js'
import type { SyncState } from '../sync/state.js'
import { errorOf, invalidState } from './errors.js'

/** How the statements of a database read and bind, unless they say otherwise. */
export interface StatementDefaults {
  readonly readBigInts: boolean
  readonly returnArrays: boolean
  readonly allowBareNamedParameters: boolean
  readonly allowUnknownNamedParameters: boolean
}

/** A connection. One that was closed stays closed: `open()` makes another. */
export class NodeState {
  readonly handle: number
  readonly defaults: StatementDefaults
  /** Calls that are under way: inside one, SQLite has called back. */
  calls = 0
  /** Counts replacements of the database: what was made before one is gone. */
  epoch = 0
  /** What a function that SQLite called has thrown. */
  thrown: { readonly error: unknown } | undefined
  readonly #sync: SyncState
  readonly #closed: () => void

  constructor(opened: { state: SyncState; closed: () => void }, defaults: StatementDefaults) {
    this.#sync = opened.state
    this.#closed = opened.closed
    this.handle = opened.state.handle
    this.defaults = defaults
  }

  /** Whether neither it was closed nor the storage it is in. */
  get open(): boolean {
    return this.#sync.open
  }

  /** Closes it, with its statements and recordings. */
  close(): void {
    this.#sync.open = false
    try {
      calling(this, () => native.syncClose(connectionHandle, this.handle))
    } finally {
      this.#closed()
    }
  }
}

/** Whether an answer of the addon is a failure. */
export function isFailure(answer: unknown): answer is ErrorPayload {
  return typeof answer === 'object' && answer !== null && 'kind' in answer
}

/** Throws if the connection was closed, or never opened. */
export function requireOpen(state: NodeState | undefined): asserts state is NodeState {
  if (state === undefined || !state.open) throw invalidState('database is not open')
}

/** Makes a call of the addon. What a function of the program's threw goes before its outcome. */
export function calling<T>(state: NodeState, call: () => unknown): T {
  state.calls += 1
  let answer: unknown
  try {
    answer = call()
  } finally {
    state.calls -= 1
  }
  if (state.thrown !== undefined) {
    const { error } = state.thrown
    state.thrown = undefined
    throw error
  }
  if (isFailure(answer)) throw errorOf(answer)
  return answer as T
}

/** Runs a function of the program's that SQLite has called: nothing may be thrown through SQLite. */
export function guarded<T>(state: NodeState, run: () => T, otherwise: T): T {
  try {
    return run()
  } catch (error) {
    state.thrown ??= { error }
    return otherwise
  }
}
