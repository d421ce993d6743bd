/** Statements of a synchronous database. */

import { connectionHandle } from '../connection.js'
import { native } from '../native.js'
import type { Column, Row, RunResult } from '../types.js'
import { Parameters } from './bind.js'
import type { DatabaseSync } from './database.js'
import { RowIteratorSync, type RowSource } from './iterator.js'
import { RowReader, type SyncForm } from './rows.js'
import {
  calling,
  lockedError,
  log,
  Mode,
  requireIdle,
  requireNoIteratorsUnlessUnsafe,
  type SyncState,
} from './state.js'

/** Parameters of one run: by position, as lists and arrays, and by name in one plain object. */
export type SyncBindArgs = readonly unknown[]

/** Statements that were dropped. */
const dropped = new FinalizationRegistry<{ state: SyncState; id: number }>(({ state, id }) => {
  if (state.open) native.syncFinalize(connectionHandle, state.handle, id)
})

/** A prepared statement as the addon describes it. */
export interface PreparedSync {
  readonly id: number
  readonly reader: boolean
  readonly readonly: boolean
  readonly parameters: readonly (string | null)[]
}

/** A compiled statement, until its database is closed or it is dropped. */
export class StatementSync<T = Row> {
  /** Its database. */
  declare readonly database: DatabaseSync
  /** Its SQL text. */
  declare readonly source: string
  /** Whether it returns rows. */
  declare readonly reader: boolean
  /** Whether it leaves the database as it is. */
  declare readonly readonly: boolean
  readonly #state: SyncState
  readonly #id: number
  readonly #parameters: Parameters
  readonly #rows = new RowReader()
  readonly #tables = (): readonly string[] => this.#columns().map((column) => column.table ?? '$')
  #form: SyncForm = 'flat'
  #safeIntegers: boolean
  #bound = false
  #locked = false

  /** @internal */
  constructor(database: DatabaseSync, state: SyncState, source: string, prepared: PreparedSync) {
    const { id, reader, readonly, parameters } = prepared
    const facts = { reader, readonly, source, database }
    for (const [name, value] of Object.entries(facts)) {
      Object.defineProperty(this, name, { value, enumerable: true })
    }
    this.#state = state
    this.#id = id
    this.#parameters = new Parameters(parameters)
    this.#safeIntegers = state.safeIntegers
    dropped.register(this, { state, id })
  }

  /** Whether its rows are being read. */
  get busy(): boolean {
    return this.#state.open && this.#locked
  }

  /** Runs it to its end. */
  run(...args: SyncBindArgs): RunResult {
    const state = this.#state
    requireIdle(state)
    this.#requireUnlocked()
    requireNoIteratorsUnlessUnsafe(state)
    const values = this.#values(args)
    const answer = this.#call(values, () =>
      native.syncRun(connectionHandle, state.handle, this.#id, values, this.#mode),
    ) as [number, number | bigint]
    return { changes: answer[0], lastInsertRowid: answer[1] }
  }

  /** The first row; `undefined` if there is none. */
  get(...args: SyncBindArgs): T | undefined {
    const answer = this.#read(args, 1)
    if (answer === undefined) return undefined
    return this.#rows.first(this.#rows.cells(answer), this.#form, this.#tables) as T
  }

  /** All rows. */
  all(...args: SyncBindArgs): T[] {
    const answer = this.#read(args, 0)
    if (answer === undefined) return []
    return this.#rows.all(this.#rows.cells(answer), this.#form, this.#tables) as T[]
  }

  #read(args: SyncBindArgs, rowsMax: number): unknown {
    this.#requireReader()
    const state = this.#state
    requireIdle(state)
    this.#requireUnlocked()
    const values = this.#values(args)
    return this.#call(values, () =>
      native.syncRows(
        connectionHandle,
        state.handle,
        this.#id,
        values,
        this.#mode,
        this.#rows.shape,
        rowsMax,
      ),
    )
  }

  /**
   * Rows, read as they are asked for. Until the iterator has ended nothing is written through this
   * database, and it is not closed.
   */
  iterate(...args: SyncBindArgs): RowIteratorSync<T> {
    this.#requireReader()
    const state = this.#state
    requireIdle(state)
    this.#requireUnlocked()
    const values = this.#values(args)
    calling(state, () => native.syncOpenRows(connectionHandle, state.handle, this.#id, values))
    this.#locked = true
    state.iterators += 1
    const iterator = new RowIteratorSync<T>(this.#source(values))
    Object.defineProperty(iterator, 'statement', { value: this, enumerable: true })
    return iterator
  }

  #source(values: unknown[] | undefined): RowSource<T> {
    const state = this.#state
    let logged = state.verbose === undefined
    const mode = this.#mode
    const form = this.#form
    const ended = (): void => {
      this.#locked = false
      state.iterators -= 1
    }
    return {
      next: () => {
        requireIdle(state)
        let answer: unknown
        try {
          if (!logged) this.#log(values)
          logged = true
          answer = calling(state, () =>
            native.syncNextRow(connectionHandle, state.handle, this.#id, mode, this.#rows.shape),
          )
        } catch (error) {
          ended()
          throw error
        }
        if (answer !== undefined) {
          return { value: this.#rows.first(this.#rows.cells(answer), form, this.#tables) as T }
        }
        ended()
        return undefined
      },
      close: () => {
        requireIdle(state)
        ended()
        calling(state, () => native.syncCloseRows(connectionHandle, state.handle, this.#id))
      },
    }
  }

  /** Binds values for good: its runs are given none any more. */
  bind(...args: SyncBindArgs): this {
    if (this.#bound) throw new TypeError('The bind() method can only be invoked once per statement object')
    const state = this.#state
    requireIdle(state)
    this.#requireUnlocked()
    const values = [...this.#parameters.values(args, state.dialect)]
    calling(state, () => native.syncBind(connectionHandle, state.handle, this.#id, values))
    this.#bound = true
    return this
  }

  /** The first column instead of rows from now on. */
  pluck(...on: [on?: boolean]): this {
    return this.#shaped('pluck', on)
  }

  /** Rows as objects by table from now on. */
  expand(...on: [on?: boolean]): this {
    return this.#shaped('expand', on)
  }

  /** Rows as arrays from now on. */
  raw(...on: [on?: boolean]): this {
    return this.#shaped('raw', on)
  }

  #shaped(form: SyncForm, on: readonly unknown[]): this {
    if (!this.reader) throw new TypeError(`The ${form}() method is only for statements that return data`)
    this.#requireAtRest()
    if (toggle(on)) this.#form = form
    else if (this.#form === form) this.#form = 'flat'
    return this
  }

  /** The SQL text, with the values that are bound for good in their places. */
  toString(): string {
    const state = this.#state
    if (!this.#bound || !state.open || state.busy) return this.source
    return calling(state, () =>
      native.syncExpanded(connectionHandle, state.handle, this.#id, undefined),
    ) as string
  }

  /** INTEGER values as bigints from now on. */
  safeIntegers(...on: [on?: boolean]): this {
    this.#requireAtRest()
    this.#safeIntegers = toggle(on)
    return this
  }

  /** The columns of its rows, as they stand now. */
  columns(): Column[] {
    if (!this.reader) throw new TypeError('The columns() method is only for statements that return data')
    requireIdle(this.#state)
    return this.#columns()
  }

  #columns(): Column[] {
    const state = this.#state
    const facts = calling(state, () => native.syncColumns(connectionHandle, state.handle, this.#id)) as (
      | string
      | null
    )[]
    const columns: Column[] = []
    for (let at = 0; at < facts.length; at += 5) {
      const [name, column = null, table = null, database = null, type = null] = facts.slice(at, at + 5)
      columns.push({ name: name ?? '', column, table, database, type })
    }
    return columns
  }

  get #mode(): number {
    return this.#safeIntegers ? Mode.bigint : this.#state.mode
  }

  /** The values of a run; nothing for a statement whose values are bound. */
  #values(args: SyncBindArgs): unknown[] | undefined {
    if (!this.#bound) return this.#parameters.values(args, this.#state.dialect) as unknown[]
    if (args.length > 0) throw new TypeError('This statement already has bound parameters')
    return undefined
  }

  #call<R>(values: unknown[] | undefined, call: () => R): R {
    if (this.#state.verbose !== undefined) this.#log(values)
    return calling(this.#state, call)
  }

  #log(values: unknown[] | undefined): void {
    log(this.#state, () => native.syncExpanded(connectionHandle, this.#state.handle, this.#id, values))
  }

  #requireReader(): void {
    if (!this.reader) throw new TypeError('This statement does not return data. Use run() instead')
  }

  #requireUnlocked(): void {
    if (this.#locked) throw lockedError()
  }

  #requireAtRest(): void {
    if (this.#state.busy) requireIdle(this.#state)
    this.#requireUnlocked()
  }
}

/** The value of a switch, which is on if it is not given. */
export function toggle(given: readonly unknown[]): boolean {
  if (given.length === 0) return true
  const [on] = given
  if (typeof on !== 'boolean') throw new TypeError('Expected first argument to be a boolean')
  return on
}

/** Compiles one statement. */
export function prepareSync(state: SyncState, sql: string): PreparedSync {
  const answer = calling(state, () => native.syncPrepare(connectionHandle, state.handle, sql))
  if (answer === 0) throw new RangeError('The supplied SQL string contains no statements')
  if (!Array.isArray(answer)) throw new RangeError('The supplied SQL string contains more than one statement')
  const [id, reader, readonly, parameters] = answer as [number, boolean, boolean, (string | null)[]]
  return { id, reader, readonly, parameters }
}
