/** Kysely's driver: one connection, for one user at a time. */

import {
  CompiledQuery,
  createQueryId,
  type DatabaseConnection,
  type Driver,
  IdentifierNode,
  type QueryCompiler,
  RawNode,
  type TransactionSettings,
} from 'kysely'
import type { Database } from '../database.js'
import { Turns } from '../turns.js'
import { ActorSqliteConnection } from './connection.js'
import type { ActorSqliteDialectConfig } from './dialect.js'

type CompileQuery = QueryCompiler['compileQuery']

/** Drives one database. Who has its connection has it alone, until it is released. */
export class ActorSqliteDriver implements Driver {
  readonly #config: ActorSqliteDialectConfig
  readonly #turns = new Turns()
  #database: Database | undefined
  #connection: ActorSqliteConnection | undefined

  constructor(config: ActorSqliteDialectConfig) {
    this.#config = config
  }

  async init(): Promise<void> {
    const { database, onCreateConnection } = this.#config
    this.#database = typeof database === 'function' ? await database() : database
    this.#connection = new ActorSqliteConnection(this.#database)
    await onCreateConnection?.(this.#connection)
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    await this.#turns.take()
    return this.#connection as DatabaseConnection
  }

  /**
   * Begins. Any isolation level is kept, as one transaction runs at a time; of one that is read only,
   * statements that write are refused.
   */
  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const readonly = settings?.accessMode === 'read only'
    await own(connection).control(CompiledQuery.raw('begin'), (it) => it.begin(readonly))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await own(connection).control(CompiledQuery.raw('commit'), (it) => it.commit())
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await own(connection).control(CompiledQuery.raw('rollback'), (it) => it.rollback())
  }

  async savepoint(connection: DatabaseConnection, name: string, compileQuery: CompileQuery): Promise<void> {
    await connection.executeQuery(savepointQuery('savepoint', name, compileQuery))
  }

  async rollbackToSavepoint(
    connection: DatabaseConnection,
    name: string,
    compileQuery: CompileQuery,
  ): Promise<void> {
    await connection.executeQuery(savepointQuery('rollback to', name, compileQuery))
  }

  async releaseSavepoint(
    connection: DatabaseConnection,
    name: string,
    compileQuery: CompileQuery,
  ): Promise<void> {
    await connection.executeQuery(savepointQuery('release', name, compileQuery))
  }

  async releaseConnection(): Promise<void> {
    this.#turns.leave()
  }

  async destroy(): Promise<void> {
    await this.#database?.close()
  }
}

function own(connection: DatabaseConnection): ActorSqliteConnection {
  return connection as ActorSqliteConnection
}

/** The name goes through the compiler as an identifier, so that it is quoted. */
function savepointQuery(command: string, name: string, compileQuery: CompileQuery): CompiledQuery {
  const node = RawNode.createWithChildren([RawNode.createWithSql(`${command} `), IdentifierNode.create(name)])
  return compileQuery(node, createQueryId())
}
