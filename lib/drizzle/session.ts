/** What drizzle sends its queries through: a database, or one transaction of it. */

import type { BatchItem } from 'drizzle-orm/batch'
import { type Cache, NoopCache } from 'drizzle-orm/cache/core'
import type { WithCacheConfig } from 'drizzle-orm/cache/core/types'
import { entityKind } from 'drizzle-orm/entity'
import type { Logger } from 'drizzle-orm/logger'
import type { RelationalSchemaConfig, TablesRelationalConfig } from 'drizzle-orm/relations'
import type { Query } from 'drizzle-orm/sql'
import {
  type PreparedQueryConfig,
  type SelectedFieldsOrdered,
  type SQLiteAsyncDialect,
  type SQLiteExecuteMethod,
  SQLiteSession,
  SQLiteTransaction,
  type SQLiteTransactionConfig,
} from 'drizzle-orm/sqlite-core'
import type { Database } from '../database.js'
import { Transaction } from '../transaction.js'
import type { BatchStatement, ResultSet, RunResult } from '../types.js'
import { objectsOf, type ResultMapper } from './map.js'
import { ActorPreparedQuery, type QueryMetadata } from './prepared.js'

/** What all queries of a drizzle database share. */
export interface SessionOptions<Tables extends TablesRelationalConfig> {
  readonly dialect: SQLiteAsyncDialect
  readonly schema: RelationalSchemaConfig<Tables> | undefined
  readonly logger: Logger | undefined
  readonly cache: Cache | undefined
}

/** A query that can be part of a batch, by what drizzle-orm leaves out of its declarations. */
interface Preparable {
  _prepare(): {
    getQuery(): Query
    mapResult(response: unknown, isFromBatch: boolean): unknown
  }
}

/** Queries on a database or in a transaction. */
export class ActorSession<
  Full extends Record<string, unknown>,
  Tables extends TablesRelationalConfig,
> extends SQLiteSession<'async', RunResult, Full, Tables> {
  static override readonly [entityKind]: string = 'ActorSession'
  readonly #on: Database | Transaction
  readonly #options: SessionOptions<Tables>

  constructor(on: Database | Transaction, options: SessionOptions<Tables>) {
    super(options.dialect)
    this.#on = on
    this.#options = options
  }

  prepareQuery<T extends PreparedQueryConfig>(
    query: Query,
    fields: SelectedFieldsOrdered | undefined,
    method: SQLiteExecuteMethod,
    _isResponseInArrayMode: boolean,
    mapper?: ResultMapper,
    metadata?: QueryMetadata,
    cacheConfig?: WithCacheConfig,
  ): ActorPreparedQuery<T> {
    const { logger, cache = new NoopCache() } = this.#options
    return new ActorPreparedQuery(this.#on, {
      query,
      fields,
      method,
      mapper,
      metadata,
      cacheConfig,
      logger,
      cache,
    })
  }

  /** Runs queries as one transaction, in one crossing. */
  async batch(queries: readonly BatchItem<'sqlite'>[]): Promise<unknown[]> {
    const prepared = queries.map((query) => (query as unknown as Preparable)._prepare())
    const statements = prepared.map((query) => {
      const { sql, params } = query.getQuery()
      this.#options.logger?.logQuery(sql, params)
      return { sql, args: params } as BatchStatement
    })
    const results = await this.#on.batch(statements)
    return results.map((result, index) => prepared[index]?.mapResult(result, true))
  }

  /** Runs a callback as a transaction, or as a savepoint where one is open. */
  async transaction<T>(
    callback: (tx: ActorTransaction<Full, Tables>) => Promise<T>,
    config: SQLiteTransactionConfig = {},
  ): Promise<T> {
    return await this._transaction(callback, config, 0)
  }

  /** @internal */
  async _transaction<T>(
    callback: (tx: ActorTransaction<Full, Tables>) => Promise<T>,
    { behavior }: SQLiteTransactionConfig,
    depth: number,
  ): Promise<T> {
    const { dialect, schema } = this.#options
    const inside = (on: Transaction): Promise<T> =>
      callback(new ActorTransaction('async', dialect, new ActorSession(on, this.#options), schema, depth))
    if (this.#on instanceof Transaction) return await this.#on.savepoint(inside)
    return await this.#on.transaction(inside, { behavior })
  }

  /** What `db.run()` gives in a batch; the others likewise. */
  extractRawRunValueFromBatchResult({ rowsAffected, lastInsertRowid }: ResultSet): RunResult {
    return { changes: rowsAffected, lastInsertRowid }
  }

  extractRawAllValueFromBatchResult(result: ResultSet): unknown {
    return objectsOf(result)
  }

  extractRawGetValueFromBatchResult(result: ResultSet): unknown {
    return objectsOf(result)[0]
  }

  extractRawValuesValueFromBatchResult({ rows }: ResultSet): unknown {
    return rows
  }
}

/** A transaction, or a savepoint of one. */
export class ActorTransaction<
  Full extends Record<string, unknown>,
  Tables extends TablesRelationalConfig,
> extends SQLiteTransaction<'async', RunResult, Full, Tables> {
  static override readonly [entityKind]: string = 'ActorTransaction'

  /** Runs a part that can fail alone. Until it ends, only the handle it is given may be used. */
  override async transaction<T>(callback: (tx: ActorTransaction<Full, Tables>) => Promise<T>): Promise<T> {
    const { session } = this as unknown as { readonly session: ActorSession<Full, Tables> }
    return await session._transaction(callback, {}, this.nestedIndex + 1)
  }
}
