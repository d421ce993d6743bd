/** What drizzle sends its queries through on a synchronous database. */

import { entityKind } from 'drizzle-orm/entity'
import type { Logger } from 'drizzle-orm/logger'
import type { RelationalSchemaConfig, TablesRelationalConfig } from 'drizzle-orm/relations'
import type { Query } from 'drizzle-orm/sql'
import {
  type PreparedQueryConfig,
  type SelectedFieldsOrdered,
  type SQLiteExecuteMethod,
  SQLiteSession,
  type SQLiteSyncDialect,
  SQLiteTransaction,
  type SQLiteTransactionConfig,
} from 'drizzle-orm/sqlite-core'
import type { DatabaseSync } from '../sync/database.js'
import type { StatementSync } from '../sync/statement.js'
import type { RunResult } from '../types.js'
import type { ResultMapper } from './map.js'
import { ActorPreparedQuerySync } from './prepared-sync.js'

/** So many statements stay compiled, the least recently used goes first. */
const STATEMENTS_MAX = 128

/** What all queries of a drizzle database share. */
export interface SessionSyncOptions<Tables extends TablesRelationalConfig> {
  readonly dialect: SQLiteSyncDialect
  readonly schema: RelationalSchemaConfig<Tables> | undefined
  readonly logger: Logger | undefined
}

/** Queries on a synchronous database, inside its transactions and outside. */
export class ActorSessionSync<
  Full extends Record<string, unknown>,
  Tables extends TablesRelationalConfig,
> extends SQLiteSession<'sync', RunResult, Full, Tables> {
  static override readonly [entityKind]: string = 'ActorSessionSync'
  readonly #on: DatabaseSync
  readonly #options: SessionSyncOptions<Tables>
  /** By text, the most recently used last: compiling a query takes as long as running it. */
  readonly #statements = new Map<string, StatementSync<unknown>>()

  constructor(on: DatabaseSync, options: SessionSyncOptions<Tables>) {
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
  ): ActorPreparedQuerySync<T> {
    const { logger } = this.#options
    return new ActorPreparedQuerySync(this.#statement(query.sql), {
      query,
      fields,
      method,
      mapper,
      logger,
      cache: undefined,
      metadata: undefined,
      cacheConfig: undefined,
    })
  }

  #statement(sql: string): StatementSync<unknown> {
    const statement = this.#statements.get(sql) ?? this.#on.prepare<unknown>(sql)
    this.#statements.delete(sql)
    this.#statements.set(sql, statement)
    if (this.#statements.size > STATEMENTS_MAX) {
      const [oldest] = this.#statements.keys()
      this.#statements.delete(oldest as string)
    }
    return statement
  }

  /** Runs a callback as a transaction. It must not be `async`. */
  transaction<T>(
    callback: (tx: ActorTransactionSync<Full, Tables>) => T,
    config: SQLiteTransactionConfig = {},
  ): T {
    return this._transaction(callback, config, 0)
  }

  /** @internal */
  _transaction<T>(
    callback: (tx: ActorTransactionSync<Full, Tables>) => T,
    { behavior = 'deferred' }: SQLiteTransactionConfig,
    depth: number,
  ): T {
    const { dialect, schema } = this.#options
    const tx = new ActorTransactionSync<Full, Tables>('sync', dialect, this, schema, depth)
    return this.#on.transaction(() => callback(tx))[behavior]()
  }
}

/** A transaction of a synchronous database, or a savepoint of one. */
export class ActorTransactionSync<
  Full extends Record<string, unknown>,
  Tables extends TablesRelationalConfig,
> extends SQLiteTransaction<'sync', RunResult, Full, Tables> {
  static override readonly [entityKind]: string = 'ActorTransactionSync'

  /** Runs a part that can fail alone. */
  override transaction<T>(callback: (tx: ActorTransactionSync<Full, Tables>) => T): T {
    const { session } = this as unknown as { readonly session: ActorSessionSync<Full, Tables> }
    return session._transaction(callback, {}, this.nestedIndex + 1)
  }
}
