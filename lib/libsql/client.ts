/** The client: the calls of @libsql/client over the database of one actor. */

import type { Client, InArgs, InStatement, Replicated, ResultSet, TransactionMode } from '@libsql/core/api'
import { type Database, Scoped } from '../database.js'
import { beginsTransaction, mayReturnRows, mayWrite } from '../either.js'
import { exclusively, withoutForeignKeys } from '../exclusive.js'
import type { Queryable } from '../queryable.js'
import type { BatchStatement } from '../types.js'
import { type Config, type Settings, settingsOf } from './config.js'
import { clientClosed, LibsqlError, libsqlError } from './errors.js'
import { ActorTransaction, behaviorOf, run, runAll } from './transaction.js'
import { batchResultSet, converted, INTEGERS, type Statement } from './values.js'

/** One actor's database by the calls of @libsql/client. It is opened by the first call. */
export class ActorClient implements Client {
  /** Whether it was closed, and not connected again. */
  closed = false
  /** What a local database has there. */
  readonly protocol = 'file'
  readonly #settings: Settings
  #database: Promise<Database> | undefined
  /** The end of the last closing. */
  #closing: Promise<void> = Promise.resolve()
  readonly #transactions = new Set<ActorTransaction>()

  constructor(config: Config) {
    this.#settings = settingsOf(config)
  }

  /** The database, opened if need be: for what this interface has not. */
  async database(): Promise<Database> {
    if (this.closed) throw clientClosed()
    this.#database ??= this.#open()
    return await this.#database
  }

  async #open(): Promise<Database> {
    try {
      await this.#closing
      return await this.#settings.open()
    } catch (error) {
      // The next call tries again.
      this.#database = undefined
      throw libsqlError(error)
    }
  }

  execute(statement: InStatement): Promise<ResultSet>
  execute(sql: string, args?: InArgs): Promise<ResultSet>
  async execute(statement: InStatement, args?: InArgs): Promise<ResultSet> {
    const given = typeof statement === 'string' ? { sql: statement, args } : statement
    const { intMode } = this.#settings
    return await this.#alone(beginsTransaction(given?.sql ?? ''), (on) => run(on, given, intMode))
  }

  async batch(statements: readonly Statement[], mode: TransactionMode = 'deferred'): Promise<ResultSet[]> {
    const { intMode, timeoutMs } = this.#settings
    const behavior = behaviorOf(mode)
    const batch = statements.map((statement) => {
      const { sql, args } = converted(statement, intMode)
      return { sql, args: args[0] } as BatchStatement & { readonly sql: string }
    })
    const run = async (on: Queryable): Promise<ResultSet[]> => {
      const own = new Scoped({ ...on._scope, integers: INTEGERS[intMode] }, on._depth)
      try {
        const results = await own.batch(batch, { behavior })
        return results.map((result) => batchResultSet(result, intMode))
      } catch (error) {
        throw libsqlError(error, (error as { statementIndex?: number }).statementIndex)
      }
    }
    // An integer that is too large is found in the results: then nothing may have been committed.
    const risky =
      intMode === 'number' &&
      batch.some(({ sql }) => mayReturnRows(sql)) &&
      batch.some(({ sql }) => mayWrite(sql))
    if (!risky) return await this.#alone(false, run)
    const database = await this.database()
    return await told(database._transaction(run, { behavior }, timeoutMs))
  }

  async migrate(statements: readonly InStatement[]): Promise<ResultSet[]> {
    const { intMode, timeoutMs } = this.#settings
    const migrated = async (on: Queryable): Promise<ResultSet[]> => {
      await on.exec('BEGIN')
      const results = await runAll(statements, (statement) => run(on, statement, intMode))
      await on.exec('COMMIT')
      return results
    }
    return await told(withoutForeignKeys(await this.database(), migrated, timeoutMs))
  }

  async transaction(mode: TransactionMode = 'write'): Promise<ActorTransaction> {
    behaviorOf(mode)
    const { intMode, timeoutMs } = this.#settings
    const begun = await ActorTransaction.begin(await this.database(), mode, intMode, timeoutMs)
    this.#transactions.add(begun)
    begun.ended.finally(() => this.#transactions.delete(begun))
    return begun
  }

  async executeMultiple(sql: string): Promise<void> {
    await this.#alone(true, (on) => on.exec(sql))
  }

  /** Rejects: a database of an actor is no replica of another one. */
  async sync(): Promise<Replicated> {
    throw new LibsqlError(
      'A database of an actor is no replica: there is nothing to sync',
      'SYNC_NOT_SUPPORTED',
    )
  }

  /** Rolls back the transactions that are open, and lets the database go when the calls made before have ended. */
  close(): void {
    if (this.closed) return
    this.closed = true
    for (const transaction of this.#transactions) transaction.close()
    const database = this.#database
    this.#database = undefined
    if (database === undefined || !this.#settings.owned) return
    this.#closing = database.then((open) => open.close()).catch(() => {})
  }

  /** Opens it again, with the next call. */
  async reconnect(): Promise<void> {
    this.close()
    this.closed = false
  }

  /** Closes it, and waits until the database is let go. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.#closing
  }

  /**
   * Does something on the database; with nobody in between, and what is left open rolled back, where
   * it may begin a transaction of its own.
   */
  async #alone<T>(isolated: boolean, work: (on: Queryable) => Promise<T>): Promise<T> {
    const database = await this.database()
    if (!isolated && !database._scope.core.busy) return await told(work(database))
    return await told(exclusively(database, work, this.#settings.timeoutMs))
  }
}

async function told<T>(result: Promise<T>): Promise<T> {
  try {
    return await result
  } catch (error) {
    throw libsqlError(error)
  }
}
