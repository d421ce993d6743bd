/** Queries of drizzle, ready to run. */

import type { Cache } from 'drizzle-orm/cache/core'
import type { WithCacheConfig } from 'drizzle-orm/cache/core/types'
import { entityKind } from 'drizzle-orm/entity'
import type { Logger } from 'drizzle-orm/logger'
import { fillPlaceholders, type Query } from 'drizzle-orm/sql'
import {
  type PreparedQueryConfig,
  type SQLiteExecuteMethod,
  SQLitePreparedQuery,
} from 'drizzle-orm/sqlite-core'
import { runEither, runForChanges } from '../either.js'
import type { Queryable } from '../queryable.js'
import { asArrays, asObjects, type Chunk } from '../rows.js'
import type { ResultSet, RunResult } from '../types.js'
import { isMapped, type Mapping, mapAll, mapFirst, objectsOf } from './map.js'

/** Which tables a query reads or writes. */
export interface QueryMetadata {
  readonly type: 'select' | 'update' | 'delete' | 'insert'
  readonly tables: string[]
}

/** What a query is prepared with. */
export interface Prepared extends Mapping {
  readonly query: Query
  readonly method: SQLiteExecuteMethod
  readonly logger: Logger | undefined
  readonly cache: Cache | undefined
  readonly metadata: QueryMetadata | undefined
  readonly cacheConfig: WithCacheConfig | undefined
}

/** The part of the class that drizzle-orm leaves out of its declarations. */
interface Cached {
  queryWithCache<T>(sql: string, params: unknown[], run: () => Promise<T>): Promise<T>
}

/** A query on a database or in a transaction. Its statement is compiled once, and kept by its text. */
export class ActorPreparedQuery<
  T extends PreparedQueryConfig = PreparedQueryConfig,
> extends SQLitePreparedQuery<T & { type: 'async' }> {
  static override readonly [entityKind]: string = 'ActorPreparedQuery'
  readonly #on: Queryable
  readonly #prepared: Prepared

  constructor(on: Queryable, prepared: Prepared) {
    const { query, method, cache, metadata, cacheConfig } = prepared
    super('async', method, query, cache, metadata, cacheConfig)
    this.#on = on
    this.#prepared = prepared
  }

  async run(placeholders?: Record<string, unknown>): Promise<T['run']> {
    return await this.#send(placeholders, (sql, params) => runForChanges(this.#on, sql, params))
  }

  async all(placeholders?: Record<string, unknown>): Promise<T['all']> {
    if (!isMapped(this.#prepared)) return await this.#rows(placeholders, asObjects)
    return mapAll(this.#prepared, this, await this.#rows(placeholders, asArrays))
  }

  async get(placeholders?: Record<string, unknown>): Promise<T['get']> {
    if (!isMapped(this.#prepared)) return (await this.#rows(placeholders, asObjects, true))[0]
    return mapFirst(this.#prepared, this, (await this.#rows(placeholders, asArrays, true))[0])
  }

  async values(placeholders?: Record<string, unknown>): Promise<T['values']> {
    return await this.#rows(placeholders, asArrays)
  }

  #rows<R>(
    placeholders: Record<string, unknown> | undefined,
    rowsOf: (chunk: Chunk) => R[],
    first = false,
  ): Promise<R[]> {
    return this.#send(placeholders, async (sql, params) => {
      const { rows } = await runEither(this.#on, sql, params, rowsOf, { first })
      return rows
    })
  }

  #send<R>(
    placeholders: Record<string, unknown> = {},
    run: (sql: string, params: [unknown[]]) => Promise<R>,
  ): Promise<R> {
    const { query, logger } = this.#prepared
    const params = fillPlaceholders(query.params, placeholders)
    logger?.logQuery(query.sql, params)
    return (this as unknown as Cached).queryWithCache(query.sql, params, () => run(query.sql, [params]))
  }

  override mapRunResult(result: unknown): RunResult {
    const { rowsAffected, lastInsertRowid } = result as ResultSet
    return { changes: rowsAffected, lastInsertRowid }
  }

  override mapAllResult(result: unknown): unknown {
    const set = result as ResultSet
    return isMapped(this.#prepared) ? mapAll(this.#prepared, this, set.rows) : objectsOf(set)
  }

  override mapGetResult(result: unknown): unknown {
    const set = result as ResultSet
    return isMapped(this.#prepared) ? mapFirst(this.#prepared, this, set.rows[0]) : objectsOf(set)[0]
  }
}
