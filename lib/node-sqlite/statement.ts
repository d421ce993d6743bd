/** Statements. */

import { connectionHandle } from '../connection.js'
import { native } from '../native.js'
import { Parameters } from './bind.js'
import { constructible, inside, requireInside } from './construct.js'
import { invalidArgType, invalidArgValue, invalidState } from './errors.js'
import { iteratorOf } from './iterator.js'
import { booleanOption, optionsObject, requireBoolean, requireString } from './options.js'
import { INTEGERS_AUTO, INTEGERS_BIGINT, RowReader, tooLarge } from './rows.js'
import { calling, type NodeState, type StatementDefaults } from './state.js'
import type {
  PrepareOptions,
  SQLRow,
  StatementSync as Statement,
  StatementColumnMetadata,
  StatementResultingChanges,
  StatementStatistic,
} from './types.js'

const STATISTICS: readonly StatementStatistic[] = [
  'fullscanStep',
  'sort',
  'autoindex',
  'vmStep',
  'reprepare',
  'run',
  'filterMiss',
  'filterHit',
  'memused',
]

/** Statements that were dropped. */
const dropped = new FinalizationRegistry<{ state: NodeState; id: number }>(({ state, id }) => {
  if (state.open) native.syncFinalize(connectionHandle, state.handle, id)
})

class StatementSyncImpl implements Statement {
  /** Kept, so that the connection is not closed under it. */
  readonly #database: object
  readonly #state: NodeState
  readonly #epoch: number
  readonly #id: number
  readonly #source: string
  readonly #parameters: Parameters
  readonly #rows = new RowReader()
  #rules: StatementDefaults
  #finalized = false
  /** The values of the newest run. */
  #values: readonly unknown[] | undefined
  /** Counts runs: an iterator of another one is of no use. */
  #runs = 0
  /** Whether rows of the newest run are being read. */
  #reading = false

  constructor(
    token: typeof inside,
    database: object,
    state: NodeState,
    source: string,
    prepared: Prepared,
    rules: StatementDefaults,
  ) {
    requireInside(token)
    const [id, , , names] = prepared
    this.#database = database
    this.#state = state
    this.#epoch = state.epoch
    this.#id = id
    this.#source = source
    this.#parameters = new Parameters(names)
    this.#rules = rules
    dropped.register(this, { state, id }, this)
  }

  /** The SQL text it was made of. */
  get sourceSQL(): string {
    this.#require()
    return this.#source
  }

  /** The SQL text with the values of the newest run in the place of its parameters. */
  get expandedSQL(): string {
    this.#require()
    const values = this.#reading ? undefined : (this.#values ?? this.#parameters.values([], this.#rules))
    const { handle } = this.#state
    const text = calling<string | null>(this.#state, () =>
      native.syncExpanded(connectionHandle, handle, this.#id, values as unknown[] | undefined),
    )
    return text ?? ''
  }

  /** Runs it, and returns all rows. */
  all(...args: readonly unknown[]): SQLRow[] {
    return this.#all(args, 0)
  }

  /** Runs it, and returns the first row; `undefined` if there is none. */
  get(...args: readonly unknown[]): SQLRow | undefined {
    return this.#all(args, 1)[0]
  }

  #all(args: readonly unknown[], rowsMax: number): SQLRow[] {
    const values = this.#begin(args) as unknown[]
    const { readBigInts, returnArrays } = this.#rules
    const integers = readBigInts ? INTEGERS_BIGINT : INTEGERS_AUTO
    const { handle } = this.#state
    const answer = calling(this.#state, () =>
      native.syncRows(connectionHandle, handle, this.#id, values, integers, this.#rows.shape, rowsMax),
    )
    return this.#rows.rows(answer, readBigInts, returnArrays)
  }

  /** Runs it, and says what it changed. */
  run(...args: readonly unknown[]): StatementResultingChanges {
    const values = this.#begin(args) as unknown[]
    const { handle } = this.#state
    const bigints = this.#rules.readBigInts
    const [changes, lastInsertRowid] = calling<[number | bigint, number | bigint]>(this.#state, () =>
      native.syncRunCounted(connectionHandle, handle, this.#id, values, bigints),
    )
    if (!bigints)
      for (const count of [changes, lastInsertRowid]) if (typeof count === 'bigint') throw tooLarge(count)
    return { changes, lastInsertRowid }
  }

  /** Runs it, and returns its rows as they are asked for. */
  iterate(...args: readonly unknown[]): IterableIterator<SQLRow> {
    const values = this.#begin(args) as unknown[]
    const { handle } = this.#state
    calling(this.#state, () => native.syncOpenRows(connectionHandle, handle, this.#id, values))
    this.#reading = true
    const run = this.#runs
    return iteratorOf({
      next: () => {
        this.#requireRun(run)
        return this.#reading ? this.#next() : undefined
      },
      close: () => {
        this.#require()
        if (run === this.#runs) this.#endReading()
      },
    })
  }

  #next(): SQLRow | undefined {
    const { readBigInts, returnArrays } = this.#rules
    const integers = readBigInts ? INTEGERS_BIGINT : INTEGERS_AUTO
    const { handle } = this.#state
    let answer: unknown
    try {
      answer = calling(this.#state, () =>
        native.syncNextRow(connectionHandle, handle, this.#id, integers, this.#rows.shape),
      )
    } catch (error) {
      this.#reading = false
      throw error
    }
    if (answer === undefined) this.#reading = false
    return this.#rows.rows(answer, readBigInts, returnArrays)[0]
  }

  /** The columns of its rows. */
  columns(): StatementColumnMetadata[] {
    this.#require()
    const { handle } = this.#state
    const facts = calling<(string | null)[]>(this.#state, () =>
      native.syncColumns(connectionHandle, handle, this.#id),
    )
    const columns: StatementColumnMetadata[] = []
    for (let at = 0; at < facts.length; at += 5) {
      const [name, column, table, database, type] = facts.slice(at, at + 5).map((fact) => fact ?? null)
      columns.push(Object.assign(Object.create(null), { column, database, name, table, type }))
    }
    return columns
  }

  /** One of SQLite's counters of it. */
  stat(counter: StatementStatistic): number {
    this.#require()
    requireString(counter, 'counter')
    const index = STATISTICS.indexOf(counter)
    if (index < 0) throw invalidArgValue('The "counter" argument is not a valid statistic name.')
    return this.#counter(index, false)
  }

  /** Sets its counters to 0. */
  resetStats(): void {
    this.#require()
    for (const index of STATISTICS.keys()) this.#counter(index, true)
  }

  #counter(index: number, reset: boolean): number {
    const { handle } = this.#state
    return calling<number>(this.#state, () =>
      native.syncStatementCounter(connectionHandle, handle, this.#id, index, reset),
    )
  }

  /** Whether names may be given without their prefix. */
  setAllowBareNamedParameters(enabled: boolean): void {
    this.#set('allowBareNamedParameters', enabled)
  }

  /** Whether names may be given that it does not have. */
  setAllowUnknownNamedParameters(enabled: boolean): void {
    this.#set('allowUnknownNamedParameters', enabled, 'enabled')
  }

  /** Whether INTEGER values come out as bigints. */
  setReadBigInts(enabled: boolean): void {
    this.#set('readBigInts', enabled)
  }

  /** Whether rows come out as arrays. */
  setReturnArrays(enabled: boolean): void {
    this.#set('returnArrays', enabled)
  }

  #set(rule: keyof StatementDefaults, enabled: boolean, name: string = rule): void {
    this.#require()
    this.#rules = { ...this.#rules, [rule]: requireBoolean(enabled, name) }
  }

  /** Lets it go. */
  close(): void {
    this.#require()
    this.#finalize()
  }

  [Symbol.dispose](): void {
    if (!this.#gone()) this.#finalize()
  }

  #finalize(): void {
    if (this.#state.calls > 0) throw invalidState('statement cannot be finalized while in a callback')
    this.#endReading()
    this.#finalized = true
    dropped.unregister(this)
    native.syncFinalize(connectionHandle, this.#state.handle, this.#id)
  }

  /** Its values, when what an earlier run left is done with. */
  #begin(args: readonly unknown[]): readonly unknown[] {
    this.#require()
    const values = this.#parameters.values(args, this.#rules)
    this.#endReading()
    this.#runs += 1
    this.#values = values
    return values
  }

  #endReading(): void {
    if (!this.#reading) return
    this.#reading = false
    const { handle } = this.#state
    calling(this.#state, () => native.syncCloseRows(connectionHandle, handle, this.#id))
  }

  #gone(): boolean {
    const { open, epoch } = this.#state
    return this.#finalized || this.#database === undefined || !open || epoch !== this.#epoch
  }

  #require(): void {
    if (this.#gone()) throw invalidState('statement has been finalized')
  }

  #requireRun(run: number): void {
    this.#require()
    if (run !== this.#runs) throw invalidState('iterator was invalidated')
  }
}

/** A statement as the addon describes it: number, returns rows, only reads, parameters. */
type Prepared = readonly [id: number, reader: boolean, readonly: boolean, names: readonly (string | null)[]]

/** The class of statements, which cannot be constructed. */
export const StatementSync: { new (): Statement; readonly prototype: Statement } = constructible(
  StatementSyncImpl,
  'StatementSync',
  false,
) as never

export type StatementSync = Statement

/** Compiles the first statement of a text; what follows it is left alone. */
export function prepare(
  database: object,
  state: NodeState,
  sql: unknown,
  options?: PrepareOptions,
): Statement {
  if (typeof sql !== 'string') throw invalidArgType('The "sql" argument must be a string.')
  let rules = state.defaults
  if (options !== undefined) {
    const given = optionsObject(options)
    rules = {
      readBigInts: booleanOption(given, 'readBigInts', rules.readBigInts),
      returnArrays: booleanOption(given, 'returnArrays', rules.returnArrays),
      allowBareNamedParameters: booleanOption(
        given,
        'allowBareNamedParameters',
        rules.allowBareNamedParameters,
      ),
      allowUnknownNamedParameters: booleanOption(
        given,
        'allowUnknownNamedParameters',
        rules.allowUnknownNamedParameters,
      ),
    }
  }
  const source = upToNul(sql)
  const prepared = calling<Prepared | 0>(state, () =>
    native.syncPrepareFirst(connectionHandle, state.handle, source),
  )
  if (prepared === 0) throw invalidArgValue('The SQL query contains no statements.')
  return Reflect.construct(StatementSync, [inside, database, state, source, prepared, rules])
}

/** SQLite takes a NUL for the end of a text. */
export function upToNul(sql: string): string {
  const end = sql.indexOf('\0')
  return end < 0 ? sql : sql.slice(0, end)
}
