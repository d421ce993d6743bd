/** Prepared statements. */

import type { Prepared } from './decode.js'
import { Opcode, Want } from './encode.js'
import { closedError } from './errors.js'
import { execute, firstRow } from './execute.js'
import { RowIterator } from './iterate.js'
import { type RowForm, rowsOf } from './rows.js'
import { Failure, type Scope, sendUnchecked } from './scope.js'
import type { BindArgs, Column, IntegerMode, Row, RunResult } from './types.js'

const unchanged = <T>(reply: T): T => reply
const nothing = (): undefined => undefined

const finalize = (scope: Scope, id: number): Promise<unknown> =>
  sendUnchecked(
    { ...scope, signal: undefined, transaction: undefined },
    Opcode.finalize,
    (buffer) => buffer.word(id),
    nothing,
  )

/** Statements that were dropped without `finalize()`. */
const dropped = new FinalizationRegistry<{ scope: Scope; id: number }>(({ scope, id }) => {
  if (!scope.core.closing) void finalize(scope, id)
})

/** A statement that stays compiled until `finalize()`, or until its database closes. */
export class Statement<T = Row> {
  /** Its SQL text. */
  readonly source: string
  /** Whether it returns rows. */
  readonly reader: boolean
  /** Whether it leaves the database as it is. */
  readonly readonly: boolean
  readonly #compiled: { readonly id: number; readonly source: string }
  readonly #columns: readonly Column[]
  readonly #depth: number
  #scope: Scope
  #form: RowForm = 'object'
  #finalized: Promise<void> | undefined

  /** @internal */
  constructor(scope: Scope, depth: number, source: string, prepared: Prepared) {
    this.#scope = scope
    this.#depth = depth
    this.source = source
    this.reader = prepared.reader
    this.readonly = prepared.readonly
    this.#compiled = { id: prepared.id, source }
    this.#columns = prepared.columns
    dropped.register(this, { scope, id: prepared.id }, this)
  }

  /** Runs it to its end. */
  async run(...args: BindArgs): Promise<RunResult> {
    this.#check()
    const result = await execute<RunResult, RunResult>(
      this.#scope,
      this.#depth,
      'run',
      this.#compiled,
      Want.run,
      args,
      unchanged,
    )
    if (result instanceof Failure) throw result.error()
    return result
  }

  /** The first row; `undefined` if there is none. */
  async get(...args: BindArgs): Promise<T | undefined> {
    this.#check()
    const row = await execute(
      this.#scope,
      this.#depth,
      'get',
      this.#compiled,
      Want.first,
      args,
      firstRow(this.#form),
    )
    if (row instanceof Failure) throw row.error()
    return row as T | undefined
  }

  /** All rows. */
  async all(...args: BindArgs): Promise<T[]> {
    return (await this.#rows('all', this.#form, args)) as T[]
  }

  /** All rows as arrays. */
  async values(...args: BindArgs): Promise<unknown[][]> {
    return (await this.#rows('values', 'array', args)) as unknown[][]
  }

  async #rows(operation: 'all' | 'values', form: RowForm, args: BindArgs): Promise<unknown[]> {
    this.#check()
    const rows = await execute(
      this.#scope,
      this.#depth,
      operation,
      this.#compiled,
      Want.all,
      args,
      (chunk: Parameters<typeof rowsOf>[0]) => rowsOf(chunk, form),
    )
    if (rows instanceof Failure) throw rows.error()
    return rows
  }

  /** Rows, fetched as they are asked for. */
  iterate(...args: BindArgs): AsyncIterableIterator<T> {
    this.#check()
    return new RowIterator<T>(this.#scope, this.#depth, this.#compiled, this.#form, args)
  }

  /** Rows as arrays from now on. */
  raw(on = true): this {
    return this.#shape('raw', 'array', on)
  }

  /** The first column instead of rows from now on. */
  pluck(on = true): this {
    return this.#shape('pluck', 'first', on)
  }

  #shape(method: string, form: RowForm, on: boolean): this {
    if (!this.reader) throw new TypeError(`${method}() is for statements that return rows`)
    if (typeof on !== 'boolean') throw new TypeError(`${method}() takes a boolean`)
    if (on) this.#form = form
    else if (this.#form === form) this.#form = 'object'
    return this
  }

  /** How INTEGER values come out from now on. */
  integers(mode: IntegerMode): this {
    if (mode !== 'number' && mode !== 'bigint' && mode !== 'auto') {
      throw new TypeError("integers() takes 'number', 'bigint' or 'auto'")
    }
    this.#scope = { ...this.#scope, integers: mode }
    return this
  }

  /** The columns of its rows. */
  columns(): Column[] {
    if (!this.reader) throw new TypeError('columns() is for statements that return rows')
    return this.#columns.map((column) => ({ ...column }))
  }

  /** Lets it go. */
  finalize(): Promise<void> {
    this.#finalized ??= this.#finalize()
    return this.#finalized
  }

  async #finalize(): Promise<void> {
    dropped.unregister(this)
    if (!this.#scope.core.closing) await finalize(this.#scope, this.#compiled.id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finalize()
  }

  #check(): void {
    if (this.#finalized !== undefined) throw closedError('statement')
  }
}
