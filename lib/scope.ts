/** What calls go through: a database's handle, and in which transaction and under which options. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { command, connectionHandle, flush, stage } from './connection.js'
import type { Reply } from './decode.js'
import { type CommandBuffer, Opcode } from './encode.js'
import { closedError, Failure, StorageError } from './errors.js'
import { native } from './native.js'
import type { IntegerMode, Logger } from './types.js'

/** When to try again if too many calls are waiting. */
const QUEUE_POLL_MS = 10

const timeoutError = (timeoutMs: number): StorageError =>
  new StorageError(`the command took longer than ${timeoutMs} ms`, 'ERR_TIMEOUT', { retryable: true })

/** The transactions that the running code is inside of, innermost first. */
interface Frame {
  readonly core: Core
  readonly outer: Frame | undefined
  active: boolean
}

const frames = new AsyncLocalStorage<Frame>()

/** An open database, as all objects that work on it share it. */
export class Core {
  readonly handle: number
  readonly name: string
  /** The namespace of its name. */
  readonly namespace: string
  readonly integers: IntegerMode
  readonly logger: Logger | undefined
  closing = false
  /** Callbacks of transactions that run now. */
  #callbacks = 0
  /** A transaction owns the connection; calls outside it wait in line. */
  #owned = false
  readonly #line: (() => void)[] = []

  constructor(
    handle: number,
    name: string,
    namespace: string,
    integers: IntegerMode,
    logger: Logger | undefined,
  ) {
    this.handle = handle
    this.name = name
    this.namespace = namespace
    this.integers = integers
    this.logger = logger
  }

  /** Whether a call outside the open transaction has to wait. */
  get busy(): boolean {
    return this.#owned
  }

  /** Takes a place in the line; leaves it again by the function that is returned. */
  queue(turn: () => void): () => void {
    this.#line.push(turn)
    return () => {
      const at = this.#line.indexOf(turn)
      if (at >= 0) this.#line.splice(at, 1)
    }
  }

  /** A transaction takes the connection. */
  own(): void {
    this.#owned = true
  }

  /** It gives the connection back: those in line go on, up to the next transaction among them. */
  disown(): void {
    this.#owned = false
    while (!this.#owned) {
      const turn = this.#line.shift()
      if (turn === undefined) return
      turn()
    }
  }

  /** Runs a transaction's callback so that calls to its database from inside are noticed. */
  async inside<T>(callback: () => Promise<T> | T): Promise<T> {
    const frame: Frame = { core: this, outer: frames.getStore(), active: true }
    this.#callbacks += 1
    try {
      return await frames.run(frame, callback)
    } finally {
      frame.active = false
      this.#callbacks -= 1
    }
  }

  /** Throws if the call would wait for the transaction that makes it. */
  checkReentry(): void {
    if (this.#callbacks === 0) return
    for (let frame = frames.getStore(); frame !== undefined; frame = frame.outer) {
      if (frame.active && frame.core === this) {
        throw new StorageError(
          `a call on the database "${this.name}" from inside its own transaction would wait for ever: ` +
            'use the transaction that the callback was given, and its savepoint() to nest',
          'ERR_REENTRY',
        )
      }
    }
  }
}

/** Where and how calls run. */
export interface Scope {
  readonly core: Core
  /** The database's own object: it must not be dropped while a statement or a loop works on it. */
  owner?: object
  readonly transaction: TransactionState | undefined
  /** The savepoint of the transaction that calls are made in. */
  readonly savepoint?: object
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly integers: IntegerMode
}

/** A transaction that is open, or was. */
export interface TransactionState {
  readonly id: number
  /** One object for each savepoint that is open inside: only the innermost may be used. */
  readonly savepoints: object[]
  /** Savepoints that are being rolled back. */
  undoing: number
  /** Why it takes no more calls. */
  over: unknown
}

function isInnermost(scope: Scope, { savepoints }: TransactionState, depth: number): boolean {
  return savepoints.length === depth && savepoints.at(-1) === scope.savepoint
}

/** Throws if nothing can be sent from here. */
export function check(scope: Scope, depth: number): void {
  const { core, transaction, signal } = scope
  signal?.throwIfAborted()
  if (transaction === undefined) {
    // A transaction that is open goes on: closing waits for it.
    if (core.closing) throw closedError('database')
    core.checkReentry()
  } else if (transaction.over !== undefined) {
    throw transaction.over
  } else if (transaction.undoing > 0 || !isInnermost(scope, transaction, depth)) {
    throw new StorageError(
      'a savepoint of this transaction is open: use the transaction that its callback was given',
      'ERR_REENTRY',
    )
  }
}

/**
 * Sends a command and converts its reply. To be awaited in an async function, which then throws the
 * error of a failure: so the stack leads to the caller without a cost for calls that succeed.
 */
export function send<R extends Reply, T>(
  scope: Scope,
  depth: number,
  opcode: number,
  write: ((buffer: CommandBuffer) => void) | undefined,
  convert: (reply: R) => T,
): Promise<T | Failure> {
  check(scope, depth)
  return sendUnchecked(scope, opcode, write, convert)
}

/** Sends a command that ends things, and is sent whatever has ended before. */
export function sendUnchecked<R extends Reply, T>(
  scope: Scope,
  opcode: number,
  write: ((buffer: CommandBuffer) => void) | undefined,
  convert: (reply: R) => T,
): Promise<T | Failure> {
  const { core, transaction, timeoutMs, signal, integers } = scope
  const encode = (buffer: CommandBuffer, request: number): void => {
    buffer.head(core.handle, request, opcode, transaction?.id ?? 0, timeoutMs, integers)
    write?.(buffer)
  }
  if (transaction === undefined && core.busy && waits(opcode)) return queued(scope, encode, convert)
  if (signal === undefined) return command(encode, convert)
  return abortable(signal, core, encode, convert)
}

/**
 * Sends a command that lets something go, however late it is and however many wait. Never rejects:
 * a failure says that it is gone already.
 */
export async function release(
  scope: Scope,
  opcode: number,
  write?: (buffer: CommandBuffer) => void,
): Promise<void> {
  const unhurried: Scope = { ...scope, signal: undefined, timeoutMs: Number.MAX_SAFE_INTEGER }
  for (;;) {
    const done = await sendUnchecked(unhurried, opcode, write, () => undefined)
    if (!(done instanceof Failure)) return
    const error = done.error()
    if (!(error instanceof StorageError) || error.code !== 'ERR_QUEUE_FULL') return
    await new Promise((resolve) => setTimeout(resolve, QUEUE_POLL_MS))
  }
}

/** Whether a command must not come between those of a transaction. */
function waits(opcode: number): boolean {
  switch (opcode) {
    case Opcode.prepare:
    case Opcode.finalize:
    case Opcode.closeCursor:
    case Opcode.durable:
      return false
    default:
      return true
  }
}

/** Sends a command when the transaction that owns the connection has ended. */
async function queued<R extends Reply, T>(
  scope: Scope,
  encode: (buffer: CommandBuffer, request: number) => void,
  convert: (reply: R) => T,
): Promise<T | Failure> {
  const { core, signal, timeoutMs } = scope
  const staged = stage(encode, convert)
  let sent = false
  const leave = core.queue(() => {
    sent = true
    staged.submit()
  })
  const giveUp = (error: () => unknown): void => {
    if (sent) {
      native.interrupt(connectionHandle, core.handle, staged.request)
    } else {
      leave()
      staged.fail(new Failure(error))
    }
  }
  const abort = (): void => giveUp(() => signal?.reason)
  let expired = false
  const late = (): void => {
    expired = true
    giveUp(() => timeoutError(timeoutMs))
  }
  const timer = timeoutMs < 0 ? undefined : setTimeout(late, timeoutMs)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    const outcome = await staged.reply
    if (!(outcome instanceof Failure)) return outcome
    if (signal?.aborted) return new Failure(() => signal.reason)
    return expired ? new Failure(() => timeoutError(timeoutMs)) : outcome
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** Others had the connection for longer than a caller meant to wait. */
export class BusyError extends Error {}

/**
 * Waits until a transaction may begin, and takes the connection for it: for as long as a call may
 * take, or for `waitMs`, after which it is a `BusyError`.
 */
export async function turn(scope: Scope, waitMs?: number): Promise<void> {
  if (waitMs === undefined) return await takeTurn(scope)
  try {
    await takeTurn({ ...scope, timeoutMs: waitMs })
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    throw new BusyError(`others had the database for ${waitMs} ms`, { cause: error })
  }
}

function takeTurn({ core, signal, timeoutMs }: Scope): Promise<void> {
  if (!core.busy) {
    core.own()
    return Promise.resolve()
  }
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    const leave = core.queue(() => {
      core.own()
      done()
      resolve()
    })
    const giveUp = (reason: unknown): void => {
      leave()
      done()
      reject(reason)
    }
    const abort = (): void => giveUp(signal?.reason)
    const late = (): void => giveUp(timeoutError(timeoutMs))
    const timer = timeoutMs < 0 ? undefined : setTimeout(late, timeoutMs)
    signal?.addEventListener('abort', abort, { once: true })
  })
}

async function abortable<R extends Reply, T>(
  signal: AbortSignal,
  core: Core,
  encode: (buffer: CommandBuffer, request: number) => void,
  convert: (reply: R) => T,
): Promise<T | Failure> {
  let request = 0
  const reply = command(encode, convert, (id) => {
    request = id
  })
  const interrupt = (): void => {
    flush()
    native.interrupt(connectionHandle, core.handle, request)
  }
  signal.addEventListener('abort', interrupt, { once: true })
  try {
    const outcome = await reply
    if (outcome instanceof Failure && signal.aborted) return new Failure(() => signal.reason)
    return outcome
  } finally {
    signal.removeEventListener('abort', interrupt)
  }
}

export { Failure }
