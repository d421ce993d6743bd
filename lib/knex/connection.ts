/** The one connection that knex's pool has of a database. */

import { withBuffers } from '../buffers.js'
import { type Database, Scoped } from '../database.js'
import { type EitherResult, runEither } from '../either.js'
import { HeldTransaction } from '../held.js'
import { RowIterator } from '../iterate.js'
import type { Queryable } from '../queryable.js'
import { asObjects, type Chunk } from '../rows.js'
import type { IntegerMode, Row, TransactionBehavior } from '../types.js'

const BEGIN = /^\s*begin(?:\s+(deferred|immediate|exclusive))?(?:\s+transaction)?\s*;?\s*$/i
const COMMIT = /^\s*(?:commit|end)(?:\s+transaction)?\s*;?\s*$/i
const ROLLBACK = /^\s*rollback(?:\s+transaction)?\s*;?\s*$/i

/** One statement as knex gives it. */
export interface KnexStatement {
  readonly sql: string
  readonly bindings: readonly unknown[]
  readonly integers: IntegerMode | undefined
}

/** What a statement gave that returned no rows. */
const nothing = { shape: undefined, rows: [], changes: { changes: 0, lastInsertRowid: 0 } }

/** Runs knex's statements: on the database, or in the transaction that knex began by SQL text. */
export class KnexConnection {
  readonly database: Database
  /** Ends the query that runs now, if it is one that knex may want to cancel. */
  abort: AbortController | undefined
  readonly #opened: boolean
  #held: HeldTransaction | undefined

  constructor(database: Database, opened: boolean) {
    this.database = database
    this.#opened = opened
  }

  async run(statement: KnexStatement): Promise<EitherResult<Row>> {
    const { sql, bindings } = statement
    const control = this.#controlOf(sql)
    if (control !== undefined) {
      await control
      return nothing
    }
    const result = await runEither<Row>(
      this.#on(statement),
      sql,
      [bindings],
      asObjects as (chunk: Chunk) => Row[],
    )
    withBuffers(result.rows)
    return result
  }

  /** Rows as they are asked for. */
  async *iterate(statement: KnexStatement): AsyncGenerator<Row> {
    const { _scope: scope, _depth: depth } = this.#on(statement)
    const rows = new RowIterator<Row>(scope, depth, statement.sql, 'object', [statement.bindings])
    for await (const row of rows) {
      withBuffers([row])
      yield row
    }
  }

  /** Gives up what is open; closes the database if it was opened for knex. */
  async close(): Promise<void> {
    await this.#end()?.rollback()
    if (this.#opened) await this.database.close()
  }

  /** Begins or ends the transaction that owns the database, if a statement does that. */
  #controlOf(sql: string): Promise<void> | undefined {
    const [begin, behavior = 'deferred'] = BEGIN.exec(sql) ?? []
    // A second BEGIN is SQLite's to refuse.
    if (begin !== undefined && this.#held === undefined) {
      return this.#begin(behavior.toLowerCase() as TransactionBehavior)
    }
    if (this.#held === undefined) return undefined
    if (COMMIT.test(sql)) return this.#end()?.commit()
    if (ROLLBACK.test(sql)) return this.#end()?.rollback()
    return undefined
  }

  async #begin(behavior: TransactionBehavior): Promise<void> {
    this.#held = await HeldTransaction.begin(this.database, { behavior })
  }

  #end(): HeldTransaction | undefined {
    const held = this.#held
    this.#held = undefined
    return held
  }

  #on({ integers }: KnexStatement): Queryable {
    const signal = this.abort?.signal
    const on = this.#held?.tx ?? this.database
    if (integers === undefined && signal === undefined) return on
    const scope = on._scope
    return new Scoped(
      { ...scope, integers: integers ?? scope.integers, signal: signal ?? scope.signal },
      on._depth,
    )
  }
}
