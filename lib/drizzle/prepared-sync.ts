/** Queries of drizzle on a synchronous database. */

import { entityKind } from 'drizzle-orm/entity'
import { fillPlaceholders } from 'drizzle-orm/sql'
import { type PreparedQueryConfig, SQLitePreparedQuery } from 'drizzle-orm/sqlite-core'
import type { StatementSync } from '../sync/statement.js'
import type { RunResult } from '../types.js'
import { isMapped, mapAll, mapFirst } from './map.js'
import type { Prepared } from './prepared.js'

/** A query with its statement, which queries of the same text share. */
export class ActorPreparedQuerySync<
  T extends PreparedQueryConfig = PreparedQueryConfig,
> extends SQLitePreparedQuery<T & { type: 'sync' }> {
  static override readonly [entityKind]: string = 'ActorPreparedQuerySync'
  readonly #statement: StatementSync<unknown>
  readonly #prepared: Prepared

  constructor(statement: StatementSync<unknown>, prepared: Prepared) {
    super('sync', prepared.method, prepared.query)
    this.#statement = statement
    this.#prepared = prepared
  }

  run(placeholders?: Record<string, unknown>): RunResult {
    return this.#statement.run(...this.#params(placeholders))
  }

  all(placeholders?: Record<string, unknown>): T['all'] {
    if (!isMapped(this.#prepared)) return this.#rows(placeholders, false)
    return mapAll(this.#prepared, this, this.#rows(placeholders, true) as unknown[][])
  }

  get(placeholders?: Record<string, unknown>): T['get'] {
    const mapped = isMapped(this.#prepared)
    const params = this.#params(placeholders)
    if (!this.#returnsRows(params)) return undefined
    const row = this.#statement.raw(mapped).get(...params)
    return mapped ? mapFirst(this.#prepared, this, row as unknown[] | undefined) : row
  }

  values(placeholders?: Record<string, unknown>): T['values'] {
    return this.#rows(placeholders, true)
  }

  #rows(placeholders: Record<string, unknown> | undefined, raw: boolean): unknown[] {
    const params = this.#params(placeholders)
    return this.#returnsRows(params) ? this.#statement.raw(raw).all(...params) : []
  }

  /** Runs a statement that returns none, as it is given where rows are asked for: `db.all('DELETE …')`. */
  #returnsRows(params: readonly unknown[]): boolean {
    if (!this.#statement.reader) this.#statement.run(...params)
    return this.#statement.reader
  }

  #params(placeholders: Record<string, unknown> = {}): unknown[] {
    const { query, logger } = this.#prepared
    const params = fillPlaceholders(query.params, placeholders)
    logger?.logQuery(query.sql, params)
    return params
  }
}
