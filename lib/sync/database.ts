/** Databases whose calls return their results. */

import { setImmediate } from 'node:timers/promises'
import type { DatabaseMetrics } from '../../native.cjs'
import { connectionHandle } from '../connection.js'
import { SqliteError } from '../errors.js'
import { native } from '../native.js'
import type { ExportProgress, Row } from '../types.js'
import { type BackupOf, type BackupOptionsSync, backup, backupRequest } from './backup.js'
import {
  type AggregateOptionsSync,
  defineAggregate,
  defineFunction,
  type FunctionOptionsSync,
} from './functions.js'
import { booleanOption } from './options.js'
import {
  calling,
  log,
  requireIdle,
  requireNoIterators,
  requireNoIteratorsUnlessUnsafe,
  requireOpen,
  type SyncState,
} from './state.js'
import { prepareSync, StatementSync, toggle } from './statement.js'
import type { TableDefinitionSync } from './table-definition.js'
import { defineTable, type TableFactorySync } from './tables.js'
import { type TransactionFn, TransactionSteps, transactionOf } from './transaction.js'

const SQLITE_AUTH = 23

/** How a pragma's result is shaped. */
export interface PragmaOptionsSync {
  /** The first column of the first row instead of all rows. */
  readonly simple?: boolean
}

/** What a database takes with it from its opening. */
export interface OpenedSync {
  readonly state: SyncState
  readonly name: string
  readonly memory: boolean
  readonly readonly: boolean
  /** Where its committed states are read; `undefined` for one in memory. */
  readonly backedUp: BackupOf | undefined
  /** The class of its statements. Default: `StatementSync`. */
  readonly statements?: typeof StatementSync
  /** Called once when it is closed. */
  readonly closed: () => void
}

/** Databases that were dropped without `close()`. */
const dropped = new FinalizationRegistry<OpenedSync>(({ state, closed }) => {
  if (!state.open) return
  state.open = false
  native.syncClose(connectionHandle, state.handle)
  closed()
})

/** One actor's database, used by the thread that opened it: calls return when they are done. */
export class DatabaseSync {
  readonly #opened: OpenedSync
  readonly #state: SyncState
  readonly #steps = new TransactionSteps((sql) => this.#prepare(sql))
  #metrics: DatabaseMetrics | undefined

  /** @internal */
  constructor(opened: OpenedSync) {
    this.#opened = opened
    this.#state = opened.state
    dropped.register(this, opened, this)
  }

  /** The actor's name. */
  get name(): string {
    return this.#opened.name
  }

  /** Whether it was not closed. */
  get open(): boolean {
    return this.#state.open
  }

  /** Whether a transaction is open now. */
  get inTransaction(): boolean {
    return this.#state.open && native.syncInTransaction(connectionHandle, this.#state.handle)
  }

  /** Whether writes are refused. */
  get readonly(): boolean {
    return this.#opened.readonly
  }

  /** Whether it vanishes when it is closed. */
  get memory(): boolean {
    return this.#opened.memory
  }

  /** Compiles one statement. */
  prepare<T = Row>(sql: string): StatementSync<T> {
    requireString(sql)
    return this.#prepare(sql)
  }

  #prepare<T = Row>(sql: string): StatementSync<T> {
    requireIdle(this.#state)
    const Statement = this.#opened.statements ?? StatementSync
    return new Statement<T>(this, this.#state, sql, prepareSync(this.#state, sql))
  }

  /** Runs all statements of a text; their rows are dropped. */
  exec(sql: string): this {
    requireString(sql)
    const state = this.#state
    requireIdle(state)
    requireNoIteratorsUnlessUnsafe(state)
    if (state.verbose === undefined) {
      calling(state, () => native.syncExec(connectionHandle, state.handle, sql))
      return this
    }
    let rest = sql
    for (;;) {
      const first = calling(state, () => native.syncFirst(connectionHandle, state.handle, rest))
      if (!Array.isArray(first)) return this
      const [shown, statement, after] = first as [string, string, string]
      log(state, () => shown)
      calling(state, () => native.syncExec(connectionHandle, state.handle, statement))
      rest = after
    }
  }

  /** Runs `PRAGMA source`: its rows, or with `simple` the first column of the first one. */
  pragma(source: string, options?: PragmaOptionsSync): unknown {
    requireString(source)
    const settings = options ?? {}
    if (typeof settings !== 'object') throw new TypeError('Expected second argument to be an options object')
    const simple = booleanOption(settings, 'simple')
    const state = this.#state
    requireIdle(state)
    requireNoIteratorsUnlessUnsafe(state)
    const prepared = prepareSync(state, `PRAGMA ${source}`)
    const statement = new StatementSync(this, state, `PRAGMA ${source}`, { ...prepared, reader: true })
    return simple ? statement.pluck().get() : statement.all()
  }

  /** The instructions that a statement is compiled to, or with `QUERY PLAN` before it its plan. */
  explain(sql: string): Row[] {
    requireString(sql)
    requireIdle(this.#state)
    const source = `EXPLAIN ${sql}`
    const prepared = prepareSync(this.#state, source)
    const parameters = prepared.parameters.map(() => null)
    return new StatementSync(this, this.#state, source, { ...prepared, parameters }).all(parameters)
  }

  /**
   * Makes a function that runs as one transaction: it commits when the function returns, and rolls
   * back when it throws. Inside a transaction it is a savepoint. The function must not be `async`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: any other type would refuse callers' own functions
  transaction<F extends (...args: any[]) => unknown>(work: F): TransactionFn<F> {
    if (typeof work !== 'function') throw new TypeError('Expected first argument to be a function')
    requireIdle(this.#state)
    return transactionOf(this, this.#steps, work)
  }

  /**
   * Registers a function that SQL can call, on this thread and while a statement runs: it must not use
   * this database. What it throws is what the statement throws.
   */
  // biome-ignore lint/suspicious/noExplicitAny: any other type would refuse callers' own functions
  function(name: string, work: (...values: any[]) => unknown): this
  // biome-ignore lint/suspicious/noExplicitAny: as above
  function(name: string, options: FunctionOptionsSync, work: (...values: any[]) => unknown): this
  function(name: string, options: unknown, work?: unknown): this {
    this.#requireQuiet()
    defineFunction(this.#state, name, options, work)
    return this
  }

  /** Registers an aggregate, and with `inverse` a window function. */
  aggregate<T>(name: string, options: AggregateOptionsSync<T>): this {
    this.#requireQuiet()
    defineAggregate(this.#state, name, options)
    return this
  }

  /**
   * Registers virtual tables, whose rows a generator yields on this thread and while a statement runs: it
   * must not use this database. A definition is one table of that name; a factory makes one for each
   * `CREATE VIRTUAL TABLE … USING name(…)`, and again when a later handle uses that.
   */
  table(name: string, definition: TableDefinitionSync | TableFactorySync): this {
    this.#requireQuiet()
    defineTable(this.#state, name, definition)
    return this
  }

  /** The database as the bytes of a SQLite file. */
  serialize(options?: { readonly attached?: string } | null): Buffer {
    const { attached = 'main' } = (options ?? {}) as { attached?: unknown }
    if (options !== undefined && typeof options !== 'object') {
      throw new TypeError('Expected first argument to be an options object')
    }
    if (typeof attached !== 'string') throw new TypeError('Expected the "attached" option to be a string')
    if (attached === '') throw new TypeError('The "attached" option cannot be an empty string')
    this.#requireQuiet()
    const state = this.#state
    return calling(state, () => native.syncSerialize(connectionHandle, state.handle, attached)) as Buffer
  }

  /**
   * Copies the newest committed state into a SQLite file, which replaces a database that is there. Calls
   * go on meanwhile; nothing they do is in the copy. The file is there whole or not at all. `close()`
   * ends it. A database in memory is copied in memory first, and not within a transaction.
   */
  async backup(destination: string, options?: BackupOptionsSync | null): Promise<ExportProgress> {
    const request = backupRequest(destination, options)
    requireOpen(this.#state)
    const from = this.#opened.backedUp ?? (await this.#copied())
    return await backup(this.#state, from, request)
  }

  /** Of a database in memory, once the call is over that this one may be a part of. */
  async #copied(): Promise<Buffer> {
    await setImmediate()
    if (this.inTransaction) throw unfinishedError()
    return this.serialize()
  }

  #requireQuiet(): void {
    requireIdle(this.#state)
    requireNoIterators(this.#state)
  }

  /** INTEGER values of statements that are prepared from now on come out as bigints. */
  defaultSafeIntegers(...on: [on?: boolean]): this {
    this.#state.safeIntegers = toggle(on)
    return this
  }

  /** Allows writing while a result is read, which may then show some rows twice, or not at all. */
  unsafeMode(...on: [on?: boolean]): this {
    this.#state.unsafe = toggle(on)
    return this
  }

  /** Refused: no call loads code into the process. */
  loadExtension(path: string): this {
    requireString(path)
    requireIdle(this.#state)
    requireNoIterators(this.#state)
    throw new SqliteError(
      'extensions cannot be loaded: no database may bring code into the process',
      SQLITE_AUTH,
    )
  }

  /** Waits until all that was answered is on disk: the counterpart of `durability: 'gated'`. */
  durable(): this {
    const state = this.#state
    requireIdle(state)
    calling(state, () => native.syncDurable(connectionHandle, state.handle))
    return this
  }

  /** Counters since the opening, as they stand now. Can be read after `close()` too. */
  get metrics(): DatabaseMetrics {
    return this.#metrics ?? native.syncMetrics(connectionHandle, this.#state.handle)
  }

  /** Drops what is not committed and lets the database go, with all its statements. */
  close(): this {
    const state = this.#state
    if (!state.open) return this
    requireIdle(state)
    requireNoIterators(state)
    this.#metrics = native.syncMetrics(connectionHandle, state.handle)
    state.open = false
    dropped.unregister(this)
    try {
      calling(state, () => native.syncClose(connectionHandle, state.handle))
    } finally {
      this.#opened.closed()
    }
    return this
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function unfinishedError(): TypeError {
  const message = 'A database in memory cannot be backed up within a transaction'
  return Object.assign(new TypeError(message), { code: 'ERR_BUSY' })
}

function requireString(value: unknown): asserts value is string {
  if (typeof value !== 'string') throw new TypeError('Expected first argument to be a string')
}
