/** Databases. */

import type { DatabaseMetrics } from '../native.cjs'
import { connectionHandle } from './connection.js'
import { Opcode } from './encode.js'
import { closedError } from './errors.js'
import type { Exporter } from './export.js'
import { native } from './native.js'
import { Queryable } from './queryable.js'
import { type Core, Failure, type Scope, send, sendUnchecked } from './scope.js'
import { told } from './trace.js'
import { type Transaction, transact } from './transaction.js'
import type {
  CallOptions,
  ExportDestination,
  ExportInfo,
  ExportOptions,
  PragmaOptions,
  Row,
  SerializeOptions,
  SqlValue,
  TransactionOptions,
} from './types.js'
import {
  checkCallback,
  checkCallOptions,
  checkDestination,
  checkExportOptions,
  checkSerializeOptions,
  checkSql,
  checkTransactionOptions,
} from './validate.js'

const nothing = (): undefined => undefined

/** A database's calls under options of their own: see `Database.with`. */
export class Scoped extends Queryable {}

/** What a database takes with it from its opening. */
export interface DatabaseState {
  readonly core: Core
  readonly readonly: boolean
  readonly queryTimeoutMs: number
  readonly transactionTimeoutMs: number
  readonly exporter: Exporter
  /** Called once when it is closed. */
  readonly closed: () => Promise<void>
}

/** Databases that were dropped without `close()`. */
const dropped = new FinalizationRegistry<DatabaseState>(({ core, closed }) => {
  core.logger?.warn({ actor: core.name }, 'a database was dropped without close(), and is closed now')
  core.closing = true
  native.releaseDatabase(connectionHandle, core.handle)
  void closed()
})

/** One actor's database. */
export class Database extends Queryable {
  readonly #state: DatabaseState
  #closed: Promise<void> | undefined
  #metrics: DatabaseMetrics | undefined
  readonly #exports = new Set<Promise<unknown>>()

  /** @internal */
  constructor(state: DatabaseState) {
    const { core, queryTimeoutMs } = state
    const scope: Scope = {
      core,
      transaction: undefined,
      timeoutMs: queryTimeoutMs,
      signal: undefined,
      integers: core.integers,
    }
    super(scope, 0)
    scope.owner = this
    this.#state = state
    dropped.register(this, state, this)
  }

  /** The actor's name. */
  get name(): string {
    return this.#state.core.name
  }

  /** Whether it was not closed. */
  get open(): boolean {
    return !this.#state.core.closing
  }

  /** Whether writes are refused. */
  get readonly(): boolean {
    return this.#state.readonly
  }

  /** Whether a transaction is open now. */
  get inTransaction(): boolean {
    const { core } = this.#state
    return !core.closing && native.inTransaction(connectionHandle, core.handle)
  }

  /**
   * Runs a callback as one transaction. Its handle owns the connection: calls on the database wait
   * until it has ended, and from inside the callback they are refused. Commits when the callback
   * succeeds, else rolls back.
   */
  async transaction<T>(
    callback: (tx: Transaction) => Promise<T> | T,
    options: TransactionOptions = {},
  ): Promise<T> {
    checkCallback(callback)
    checkTransactionOptions(options)
    return await this._transaction(callback, options)
  }

  /**
   * The same, begun within `waitMs` or not at all.
   *
   * @internal
   */
  async _transaction<T>(
    callback: (tx: Transaction) => Promise<T> | T,
    options: TransactionOptions,
    waitMs?: number,
  ): Promise<T> {
    const { behavior = 'deferred', signal = this._scope.signal } = options
    const timeoutMs = options.timeoutMs ?? this.#state.transactionTimeoutMs
    return await told(this._scope, 'transaction', undefined, () =>
      transact({ ...this._scope, signal }, callback, behavior, timeoutMs, waitMs),
    )
  }

  /** The same calls, each with a time limit or a signal. */
  with(options: CallOptions): Scoped {
    checkCallOptions(options)
    const { signal, timeoutMs = this._scope.timeoutMs } = options
    return new Scoped({ ...this._scope, signal, timeoutMs }, 0)
  }

  /** Runs `PRAGMA source`: its rows, or with `simple` the first column of the first one. */
  pragma(source: string, options: { readonly simple: true }): Promise<SqlValue | undefined>
  pragma(source: string, options?: { readonly simple?: false }): Promise<Row[]>
  pragma(source: string, options?: PragmaOptions): Promise<SqlValue | undefined | Row[]>
  async pragma(source: string, options: PragmaOptions = {}): Promise<SqlValue | undefined | Row[]> {
    checkSql(source)
    const simple = options.simple === true
    const statement = await this.prepare(`PRAGMA ${source}`)
    try {
      if (statement.reader)
        return simple ? ((await statement.pluck().get()) as SqlValue | undefined) : await statement.all()
      await statement.run()
      return simple ? undefined : []
    } finally {
      await statement.finalize()
    }
  }

  /** Interrupts the call that runs now: it rejects with `SQLITE_INTERRUPT`. */
  interrupt(): void {
    const { core } = this.#state
    if (!core.closing) native.interrupt(connectionHandle, core.handle)
  }

  /** Waits until all that was answered is on disk: the counterpart of `durability: 'gated'`. */
  async durable(): Promise<void> {
    const done = await told(this._scope, 'durable', undefined, () =>
      send(this._scope, 0, Opcode.durable, undefined, nothing),
    )
    if (done instanceof Failure) throw done.error()
  }

  /**
   * Writes the committed state to a file, or a stream, that any SQLite opens: one state, while calls
   * on the database go on. It has all calls made before this one; an open transaction is not in it.
   */
  async export(to: ExportDestination, options: ExportOptions = {}): Promise<ExportInfo> {
    checkDestination(to)
    checkExportOptions(options)
    return await this.#afterCalls('export', () => this.#state.exporter.export(to, options))
  }

  /** The bytes that `export` would write, up to 512 MiB. */
  async serialize(options: SerializeOptions = {}): Promise<Uint8Array> {
    checkSerializeOptions(options)
    return await this.#afterCalls('serialize', () => this.#state.exporter.serialize(options))
  }

  /** Runs an export behind the calls made before; closing waits for it. */
  async #afterCalls<T>(operation: 'export' | 'serialize', run: () => Promise<T>): Promise<T> {
    if (this.#state.core.closing) throw closedError('database')
    const running = told(this._scope, operation, undefined, async () => {
      // Not by send(): inside a transaction of this database the state before it is exported.
      const done = await sendUnchecked(this._scope, Opcode.durable, undefined, nothing)
      if (done instanceof Failure) throw done.error()
      return await run()
    })
    this.#exports.add(running)
    try {
      return await running
    } finally {
      this.#exports.delete(running)
    }
  }

  /** Counters since the opening, as they stand now. Can be read after `close()` too. */
  get metrics(): DatabaseMetrics {
    const { core } = this.#state
    return this.#metrics ?? native.databaseMetrics(connectionHandle, core.handle)
  }

  /** Waits for the calls made before, and lets the database go. */
  close(): Promise<void> {
    this.#closed ??= told(this._scope, 'close', undefined, () => this.#close())
    return this.#closed
  }

  async #close(): Promise<void> {
    const { core, closed } = this.#state
    if (core.closing) return
    core.checkReentry()
    core.closing = true
    dropped.unregister(this)
    const done = await sendUnchecked(this._scope, Opcode.close, undefined, nothing)
    await Promise.allSettled(this.#exports)
    this.#metrics = native.databaseMetrics(connectionHandle, core.handle)
    native.releaseDatabase(connectionHandle, core.handle)
    await closed()
    if (done instanceof Failure) throw done.error()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
