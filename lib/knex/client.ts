/** The client class: knex's own for SQLite, with another driver behind it. */

import { once } from 'node:events'
import type { Transform } from 'node:stream'
import type { Knex } from 'knex'
// @ts-expect-error: knex has no types of its dialects
import KnexSqlite3 from 'knex/lib/dialects/sqlite3/index.js'
import { databaseOf } from '../source.js'
import type { IntegerMode } from '../types.js'
import type { ActorSqliteConnectionConfig, ActorSqliteConnectionOptions } from './config.js'
import { KnexConnection, type KnexStatement } from './connection.js'

/** A query on its way through knex. */
interface KnexQuery {
  readonly sql: string
  readonly bindings?: readonly unknown[]
  readonly options?: ActorSqliteConnectionOptions
  /** Knex will ask for it to be cancelled when its time is over. */
  readonly cancelOnTimeout?: boolean
  response?: unknown
  context?: { lastID: number | bigint; changes: number }
}

/** What of knex's class is used here. */
interface BaseClient {
  config: object
  connectionSettings: object
  getPoolSettings(pool: unknown): object
}
const Base = KnexSqlite3 as new (config: object) => BaseClient

/** As knex wants it: with a file's name, or it warns that there is none. */
function configOf(config: Knex.Config): object {
  const { connection } = config
  if (typeof connection === 'function') {
    return { ...config, connection: Object.assign(() => connection(), { filename: '' }) }
  }
  return connection === undefined ? config : { ...config, connection: { filename: '' } }
}

// Without private fields: knex makes the clients of transactions without calling the constructor.
class ActorSqliteClient extends Base {
  declare connectionSettings: ActorSqliteConnectionConfig
  declare driverName: string

  constructor(config: Knex.Config) {
    super(configOf(config))
    const { connection } = config
    if (connection === undefined) return
    // As it was given: knex's copy would not be the database.
    this.config = { ...this.config, connection }
    if (typeof connection === 'object') {
      this.connectionSettings = connection as unknown as ActorSqliteConnectionConfig
    }
  }

  _driver(): object {
    return {}
  }

  /** One connection, whatever is asked for: a second would claim the database from the first. */
  override getPoolSettings(pool: object | undefined): object {
    return super.getPoolSettings({ ...pool, min: 1, max: 1 })
  }

  async acquireRawConnection(): Promise<KnexConnection> {
    const { database, opened } = await databaseOf(this.connectionSettings, 'the connection of knex')
    return new KnexConnection(database, opened)
  }

  async destroyRawConnection(connection: KnexConnection): Promise<void> {
    await connection.close()
  }

  async validateConnection(connection: KnexConnection): Promise<boolean> {
    return connection.database.open
  }

  async _query(connection: KnexConnection | undefined, query: KnexQuery): Promise<KnexQuery> {
    const statement = statementOf(this.connectionSettings, query)
    const { rows, changes } = await connected(connection, query).run(statement)
    if (changes === undefined) {
      query.response = rows
      return query
    }
    const lastInsertRowid =
      statement.integers === 'bigint' ? BigInt(changes.lastInsertRowid) : changes.lastInsertRowid
    query.response = { changes: changes.changes, lastInsertRowid }
    query.context = { lastID: lastInsertRowid, changes: changes.changes }
    return query
  }

  /** Writes rows as the stream takes them. A stream that is destroyed ends the statement. */
  async _stream(connection: KnexConnection | undefined, query: KnexQuery, stream: Transform): Promise<void> {
    try {
      const rows = connected(connection, query).iterate(statementOf(this.connectionSettings, query))
      for await (const row of rows) {
        if (stream.destroyed) break
        if (!stream.write(row)) await room(stream)
      }
      if (!stream.destroyed) stream.end()
    } catch (error) {
      stream.destroy(error as Error)
      throw error
    }
  }

  /** Interrupts the query that runs: for `timeout(ms, { cancel: true })`. */
  async cancelQuery(connection: KnexConnection): Promise<void> {
    connection.abort?.abort()
  }
}

Object.assign(ActorSqliteClient.prototype, { driverName: 'actor-sqlite', canCancelQuery: true })

/** The statement of a query. */
function statementOf(settings: ActorSqliteConnectionConfig, query: KnexQuery): KnexStatement {
  if (!query.sql) throw new Error('The query is empty')
  return {
    sql: query.sql,
    bindings: (query.bindings ?? []).map(bindable),
    integers: integersOf(query.options) ?? integersOf(settings.options),
  }
}

/** The connection, ready to be told to cancel the query where knex may want that. */
function connected(connection: KnexConnection | undefined, query: KnexQuery): KnexConnection {
  if (connection === undefined) throw new Error('No connection provided')
  connection.abort = query.cancelOnTimeout ? new AbortController() : undefined
  return connection
}

/** Values as knex's SQLite clients bind them. */
function bindable(value: unknown): unknown {
  if (value instanceof Date) return value.valueOf()
  return value === undefined ? null : value
}

function integersOf(options: ActorSqliteConnectionOptions | undefined): IntegerMode | undefined {
  const safe = options?.safeIntegers
  if (typeof safe !== 'boolean') return undefined
  return safe ? 'bigint' : 'number'
}

/** Waits until a stream takes more, or nothing any more. */
async function room(stream: Transform): Promise<void> {
  const heard = new AbortController()
  const { signal } = heard
  try {
    await Promise.race([once(stream, 'drain', { signal }), once(stream, 'close', { signal })])
  } finally {
    heard.abort()
  }
}

/**
 * Knex's client for SQLite over one actor's database:
 * `knex({ client: ActorSqlite, connection: { database }, useNullAsDefault: true })`.
 */
export const ActorSqlite = ActorSqliteClient as unknown as typeof Knex.Client

/** A configuration for `knex()`: this client, a connection, and what else knex is to be told. */
export function knexConfig(connection: ActorSqliteConnectionConfig, config: Knex.Config = {}): Knex.Config {
  return {
    // SQLite cannot insert DEFAULT for a single column: knex would warn.
    useNullAsDefault: true,
    ...config,
    client: ActorSqlite,
    connection: connection as unknown as Knex.StaticConnectionConfig,
  }
}
