/** The one connection that kysely gets of a database. */

import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'
import { withBuffers } from '../buffers.js'
import { type Database, Scoped } from '../database.js'
import { type EitherResult, runEither } from '../either.js'
import { SqliteError } from '../errors.js'
import { HeldTransaction } from '../held.js'
import { RowIterator } from '../iterate.js'
import type { Queryable } from '../queryable.js'
import { asObjects, type Chunk } from '../rows.js'

const SQLITE_READONLY = 8
/** Rows of a stream's chunk, if kysely does not say. */
const CHUNK_ROWS = 100

/** What kysely 0.29 and newer pass beside a query. */
interface AbortableOptions {
  readonly signal?: AbortSignal | undefined
}

/** Something other than a statement that runs as a query, so that it is logged like one. */
type Control = (connection: ActorSqliteConnection) => Promise<void>

/** Runs kysely's queries: on the database, or in the transaction that is open. */
export class ActorSqliteConnection implements DatabaseConnection {
  readonly #database: Database
  readonly #controls = new WeakMap<CompiledQuery, Control>()
  #held: HeldTransaction | undefined
  #readonly = false
  /** Ends the query that runs now, if it was given a signal. */
  #running: AbortController | undefined

  /** @internal */
  constructor(database: Database) {
    this.#database = database
  }

  async executeQuery<R>(query: CompiledQuery, abortable?: AbortableOptions): Promise<QueryResult<R>> {
    const control = this.#controls.get(query)
    if (control !== undefined) {
      await control(this)
      return { rows: [] }
    }
    abortable?.signal?.throwIfAborted()
    const running = abortable?.signal === undefined ? undefined : new AbortController()
    this.#running = running
    try {
      await this.#checkWrites(query.sql)
      const { sql, parameters } = query
      // The values as one array, so that none of them is taken for named parameters.
      const on = this.#on(running?.signal)
      return resultOf(await runEither<R>(on, sql, [parameters], rowsOf))
    } finally {
      this.#running = undefined
    }
  }

  /** Rows as they are asked for, `chunkSize` at a time. A loop that is left ends the statement. */
  async *streamQuery<R>(
    query: CompiledQuery,
    chunkSize: number = CHUNK_ROWS,
    options?: AbortableOptions,
  ): AsyncIterableIterator<QueryResult<R>> {
    await this.#checkWrites(query.sql)
    const { _scope: scope, _depth: depth } = this.#on(options?.signal)
    const rows = new RowIterator<R>(scope, depth, query.sql, 'object', [query.parameters])
    let chunk: R[] = []
    for await (const row of rows) {
      if (chunk.push(row) < chunkSize) continue
      yield { rows: withBuffers(chunk) }
      chunk = []
    }
    if (chunk.length > 0) yield { rows: withBuffers(chunk) }
  }

  /**
   * Interrupts the query that runs: kysely's strategy `'cancel query'` for a signal that is aborted.
   * A write that is interrupted inside a transaction ends the transaction, as in SQLite.
   */
  async cancelQuery(): Promise<void> {
    this.#running?.abort()
  }

  /** @internal Runs a control as if it were a query. */
  async control(query: CompiledQuery, control: Control): Promise<void> {
    this.#controls.set(query, control)
    await this.executeQuery(query)
  }

  /** @internal */
  async begin(readonly: boolean): Promise<void> {
    this.#held = await HeldTransaction.begin(this.#database)
    this.#readonly = readonly
  }

  /** @internal */
  async commit(): Promise<void> {
    await this.#end()?.commit()
  }

  /** @internal A commit that failed has rolled back: then there is nothing left to do. */
  async rollback(): Promise<void> {
    await this.#end()?.rollback()
  }

  #end(): HeldTransaction | undefined {
    const held = this.#held
    this.#held = undefined
    this.#readonly = false
    return held
  }

  /** Where queries run, and what interrupts them. */
  #on(signal?: AbortSignal): Queryable {
    const on = this.#held?.tx ?? this.#database
    return signal === undefined ? on : new Scoped({ ...on._scope, signal }, on._depth)
  }

  /** Refuses statements that write in a transaction that is read only. */
  async #checkWrites(sql: string): Promise<void> {
    if (!this.#readonly) return
    const statement = await this.#on().prepare(sql)
    await statement.finalize()
    if (!statement.readonly) throw new SqliteError('attempt to write a readonly database', SQLITE_READONLY)
  }
}

const rowsOf = <R>(chunk: Chunk): R[] => asObjects(chunk) as R[]

function resultOf<R>({ rows, changes }: EitherResult<R>): QueryResult<R> {
  if (changes === undefined) return { rows: withBuffers(rows) }
  return {
    numAffectedRows: BigInt(changes.changes),
    insertId: BigInt(changes.lastInsertRowid),
    rows: [],
  }
}
