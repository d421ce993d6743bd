/** Virtual tables of JavaScript that SQL can read. They run on this thread, while a statement runs. */

import { connectionHandle } from '../connection.js'
import { bytesOf } from '../encode.js'
import { native } from '../native.js'
import { inRange, isBindable } from './bind.js'
import { calling, Mode, type SyncState } from './state.js'
import { type ParsedTable, parseTable, type TableDefinitionSync } from './table-definition.js'

/** What a factory of tables is told of the one it makes: its `this`. */
export interface TableContextSync {
  /** The name of the module. */
  readonly module: string
  /** The name of the schema: `main` or `temp`. */
  readonly database: string
  /** The name of the table. */
  readonly table: string
}

/** Makes a table of the arguments that stand after `USING`. */
export type TableFactorySync = (this: TableContextSync, ...args: string[]) => TableDefinitionSync

/** Answered for a call that has thrown. */
const failed = Symbol('failed')

/** What a scan is asked: to go to the next row, to end, or why it has such a cell. */
const Op = { next: 0, end: 1, refuse: 2 } as const

/** Registers a module of virtual tables: one table of its name, or tables that SQL creates. */
export function defineTable(state: SyncState, name: unknown, given: unknown): void {
  if (typeof name !== 'string') throw new TypeError('Expected first argument to be a string')
  if (name === '') throw new TypeError('Virtual table module name cannot be an empty string')
  const eponymous = typeof given === 'object' && given !== null
  if (!eponymous && typeof given !== 'function') {
    throw new TypeError('Expected second argument to be a function or a table definition object')
  }
  const make = eponymous ? once(parseTable(given, 'used', name)) : made(given as TableFactorySync, name)
  const connect = (args: string[]): unknown =>
    guarded(state, () => {
      const { rows, safeIntegers, ...rest } = make(args)
      const safe = safeIntegers ?? state.safeIntegers
      return {
        ...rest,
        integers: safe ? Mode.bigint : state.dialect.exact ? Mode.rounded : Mode.auto,
        scan: (values: unknown[]) =>
          guarded(state, () => new Scan(state, name, rest.columns, rows(...values)).asked),
      }
    })
  calling(state, () => native.syncTable(connectionHandle, state.handle, name, eponymous, connect))
}

/** Runs what SQLite asks for: what it throws is what the statement throws. */
function guarded<T>(state: SyncState, work: () => T): T | typeof failed {
  try {
    return work()
  } catch (error) {
    state.thrown ??= { error }
    return failed
  }
}

function once(table: ParsedTable): () => ParsedTable {
  return () => table
}

function made(factory: TableFactorySync, name: string): (args: string[]) => ParsedTable {
  return ([module = '', database = '', table = '', ...args]) => {
    const definition: unknown = Reflect.apply(factory, { module, database, table }, args)
    if (typeof definition !== 'object' || definition === null) {
      throw new TypeError(`Virtual table module "${name}" did not return a table definition object`)
    }
    return parseTable(definition, 'returned', name)
  }
}

/** Reads the rows of a table once. */
class Scan {
  readonly #state: SyncState
  readonly #name: string
  /** Where each column is. */
  readonly #places: ReadonlyMap<string, number>
  readonly #rows: Iterator<unknown>
  /** The row: the addon reads from here what SQL asks for. */
  readonly #cells: unknown[]

  constructor(state: SyncState, name: string, columns: readonly string[], rows: Iterator<unknown>) {
    this.#state = state
    this.#name = name
    this.#places = new Map(columns.map((column, index) => [column, index]))
    this.#rows = rows
    this.#cells = columns.map(() => null)
  }

  /** As the addon wants it. */
  get asked(): object {
    return { cells: this.#cells, step: (op: number, cell?: unknown) => this.#step(op, cell) }
  }

  #step(op: number, cell: unknown): unknown {
    if (op === Op.next) return guarded(this.#state, () => this.#next())
    if (op === Op.refuse) {
      this.#state.thrown ??= { error: cell }
      return false
    }
    try {
      this.#rows.return?.()
    } catch {
      // The statement has ended: nobody is left to be told.
    }
    return false
  }

  #next(): boolean {
    const { done, value: row } = this.#rows.next()
    if (done) return false
    if (Array.isArray(row)) this.#takeArray(row)
    else if (typeof row === 'object' && row !== null) this.#takeObject(row as Record<string, unknown>)
    else throw new TypeError(`${this.#module} yielded something that isn't a valid row object`)
    return true
  }

  #takeArray(row: readonly unknown[]): void {
    if (row.length !== this.#cells.length) {
      throw new TypeError(`${this.#module} yielded a row with an incorrect number of columns`)
    }
    for (let index = 0; index < row.length; index += 1) this.#cells[index] = this.#cell(row[index])
  }

  #takeObject(row: Record<string, unknown>): void {
    const keys = Object.keys(row)
    for (const key of keys) {
      const index = this.#places.get(key)
      if (index === undefined) {
        throw new TypeError(`${this.#module} yielded a row with an undeclared column "${key}"`)
      }
      this.#cells[index] = this.#cell(row[key])
    }
    if (keys.length !== this.#cells.length) {
      throw new TypeError(`${this.#module} yielded a row with missing columns`)
    }
  }

  /** A value for SQLite, or the error that is thrown if SQL asks for it. */
  #cell(value: unknown): unknown {
    if (value === undefined) return null
    if (typeof value === 'bigint' && !inRange(value)) {
      return new RangeError(`${this.#module} yielded a bigint that was too big`)
    }
    if (isBindable(value, this.#state.dialect)) {
      return typeof value === 'object' && value !== null ? bytesOf(value) : value
    }
    return new TypeError(`${this.#module} yielded an invalid value`)
  }

  get #module(): string {
    return `Virtual table module "${this.#name}"`
  }
}
