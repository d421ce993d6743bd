/** Transactions: a handle that owns the connection while its callback runs. */

import { Opcode } from './encode.js'
import { StorageError } from './errors.js'
import { Queryable } from './queryable.js'
import {
  check,
  Failure,
  release,
  type Scope,
  send,
  sendUnchecked,
  type TransactionState,
  turn,
} from './scope.js'
import { told } from './trace.js'
import type { TransactionBehavior } from './types.js'
import { checkCallback } from './validate.js'

const nothing = (): undefined => undefined

/** Thrown by `rollback()`, and by the call of the transaction then. */
export class RollbackError extends Error {
  readonly code = 'ERR_ROLLBACK'

  constructor() {
    super('the transaction was rolled back')
  }
}

Object.defineProperty(RollbackError.prototype, 'name', {
  value: 'RollbackError',
  configurable: true,
  writable: true,
})

/** What a transaction's callback works with. Of no use after the callback has ended. */
export class Transaction extends Queryable {
  /**
   * Runs a part that can fail alone: what it did is undone when its callback throws. Until it
   * ends, only the handle it is given may be used.
   */
  async savepoint<T>(callback: (tx: Transaction) => Promise<T> | T): Promise<T> {
    checkCallback(callback)
    return await told(this._scope, 'savepoint', undefined, () => this.#savepoint(callback))
  }

  async #savepoint<T>(callback: (tx: Transaction) => Promise<T> | T): Promise<T> {
    const { _scope: scope, _depth: depth } = this
    const begin = send(scope, depth, Opcode.begin, (buffer) => buffer.behavior('deferred'), nothing)
    const state = scope.transaction as TransactionState
    const { savepoints } = state
    const own = {}
    savepoints.push(own)
    /** Not if what is around it has ended, and it with that. */
    const isOpen = (): boolean => state.over === undefined && savepoints[depth] === own
    try {
      const begun = await begin
      if (begun instanceof Failure) throw begun.error()
      try {
        const result = await callback(new Transaction({ ...scope, savepoint: own }, depth + 1))
        if (!isOpen()) throw state.over ?? new StorageError('the savepoint is over', 'ERR_TRANSACTION_OVER')
        await commit(scope, state, depth + 1)
        return result
      } catch (error) {
        if (isOpen()) await undoSavepoints(scope, state, depth)
        throw error
      }
    } finally {
      if (isOpen()) savepoints.length = depth
    }
  }

  /** The same as `savepoint`. */
  transaction<T>(callback: (tx: Transaction) => Promise<T> | T): Promise<T> {
    return this.savepoint(callback)
  }

  /** Gives up: throws out of the callback. */
  rollback(): never {
    throw new RollbackError()
  }
}

/** Releases the savepoint that is open at a depth, or commits at depth 0. */
async function commit(scope: Scope, state: TransactionState, depth: number): Promise<void> {
  if (state.over !== undefined) throw state.over
  if (state.savepoints.length !== depth) {
    throw new StorageError(
      'a savepoint is still open inside: the callback has to await it before it returns',
      'ERR_REENTRY',
    )
  }
  const send = () => sendUnchecked(scope, Opcode.commit, undefined, nothing)
  const done = await (depth === 0 ? told(scope, 'commit', undefined, send) : send())
  if (done instanceof Failure) throw done.error()
}

/** Rolls back so many levels, newest first, all sent before anything else can be. */
async function undo(scope: Scope, levels: number): Promise<void> {
  await Promise.all(Array.from({ length: levels }, () => release(scope, Opcode.rollback)))
}

/** Rolls back the savepoint that is open at a depth, and those inside it. Meanwhile nothing runs. */
async function undoSavepoints(scope: Scope, state: TransactionState, depth: number): Promise<void> {
  const levels = state.savepoints.length - depth
  state.savepoints.length = depth
  state.undoing += 1
  await undo(scope, levels)
  state.undoing -= 1
}

/** What ends a transaction from outside its callback: the signal, or the time being over. */
function watch(scope: Scope, timeoutMs: number): { ended: Promise<never>; done: () => void } {
  const { signal } = scope
  let end: (reason: unknown) => void = nothing
  const ended = new Promise<never>((_, reject) => {
    end = reject
  })
  // Nobody may be waiting any more when it rejects.
  ended.catch(nothing)
  const aborted = (): void => end(signal?.reason)
  const late = (): void =>
    end(
      new StorageError(`the transaction took longer than ${timeoutMs} ms`, 'ERR_TIMEOUT', {
        retryable: true,
      }),
    )
  const timer = timeoutMs < 0 ? undefined : setTimeout(late, timeoutMs)
  signal?.addEventListener('abort', aborted, { once: true })
  const done = (): void => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', aborted)
  }
  return { ended, done }
}

/**
 * Runs a transaction: commits when its callback succeeds, else rolls back. It is begun within
 * `waitMs`, or not at all.
 */
export async function transact<T>(
  outer: Scope,
  callback: (tx: Transaction) => Promise<T> | T,
  behavior: TransactionBehavior,
  timeoutMs: number,
  waitMs?: number,
): Promise<T> {
  check(outer, 0)
  const { core } = outer
  await turn(outer, waitMs)
  try {
    const id = await begin(outer, behavior)
    if (id instanceof Failure) throw id.error()
    const state: TransactionState = { id, savepoints: [], undoing: 0, over: undefined }
    return await run({ ...outer, transaction: state }, state, callback, timeoutMs)
  } finally {
    core.disown()
  }
}

/** Begins; the connection is owned already, so this does not wait in line. */
function begin(outer: Scope, behavior: TransactionBehavior): Promise<number | Failure> {
  const owner: Scope = { ...outer, transaction: { id: 0, savepoints: [], undoing: 0, over: undefined } }
  return send(
    owner,
    0,
    Opcode.begin,
    (buffer) => buffer.behavior(behavior),
    (id: number) => id,
  )
}

async function run<T>(
  scope: Scope,
  state: TransactionState,
  callback: (tx: Transaction) => Promise<T> | T,
  timeoutMs: number,
): Promise<T> {
  const { ended, done } = watch(scope, timeoutMs)
  try {
    const running = scope.core.inside(() => callback(new Transaction(scope, 0)))
    const result = await Promise.race([running, ended])
    await commit(scope, state, 0)
    state.over = new StorageError('the transaction is over: it was committed', 'ERR_TRANSACTION_OVER')
    return result
  } catch (error) {
    state.over = new StorageError('the transaction is over: it was rolled back', 'ERR_TRANSACTION_OVER', {
      cause: error,
    })
    await undo(scope, state.savepoints.length + 1)
    throw error
  } finally {
    done()
  }
}
