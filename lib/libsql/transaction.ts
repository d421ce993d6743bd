/** Interactive transactions: handles that stay open until somebody commits or lets go. */

import type { InArgs, InStatement, IntMode, ResultSet, Transaction, TransactionMode } from '@libsql/core/api'
import type { Database } from '../database.js'
import { runEither } from '../either.js'
import { StorageError } from '../errors.js'
import type { Queryable } from '../queryable.js'
import { asArrays } from '../rows.js'
import type { Transaction as OwnTransaction } from '../transaction.js'
import type { TransactionBehavior } from '../types.js'
import { libsqlError, transactionClosed } from './errors.js'
import { converted, INTEGERS, resultSet, type Statement } from './values.js'

/** What the callback of a transaction rejects with when it is to be rolled back. */
const ROLLBACK = new Error('the transaction is rolled back')

/** How SQLite begins a transaction of a mode. One that reads is one that has not written yet. */
export function behaviorOf(mode: TransactionMode): TransactionBehavior {
  if (mode === 'write') return 'immediate'
  if (mode === 'read' || mode === 'deferred') return 'deferred'
  throw new RangeError('Unknown transaction mode, supported values are "write", "read" and "deferred"')
}

/** Runs one statement. Throws the database's own errors. */
export async function run(on: Queryable, statement: Statement, mode: IntMode): Promise<ResultSet> {
  const { sql, args } = converted(statement, mode)
  return resultSet(await runEither(on, sql, args, asArrays, { integers: INTEGERS[mode] }), mode)
}

/** Runs statements one after another: what those before a failing one did stays. */
export async function runAll(
  statements: readonly Statement[],
  run: (statement: Statement) => Promise<ResultSet>,
): Promise<ResultSet[]> {
  const results: ResultSet[] = []
  for (const [index, statement] of statements.entries()) {
    try {
      results.push(await run(statement))
    } catch (error) {
      throw libsqlError(error, index)
    }
  }
  return results
}

/** How a transaction ends. */
interface Ending {
  readonly commit: () => void
  readonly rollback: (reason: Error) => void
}

/** A transaction whose callback is whoever has this handle. */
export class ActorTransaction implements Transaction {
  readonly #database: Database
  readonly #tx: OwnTransaction
  readonly #mode: IntMode
  readonly #ending: Ending
  /** Settles when it has ended. */
  readonly #running: Promise<void>
  #settled = false

  private constructor(
    database: Database,
    tx: OwnTransaction,
    mode: IntMode,
    ending: Ending,
    running: Promise<void>,
  ) {
    this.#database = database
    this.#tx = tx
    this.#mode = mode
    this.#ending = ending
    this.#running = running
  }

  /** Begins one, within `waitMs`. */
  static async begin(
    database: Database,
    mode: TransactionMode,
    intMode: IntMode,
    waitMs: number,
  ): Promise<ActorTransaction> {
    const behavior = behaviorOf(mode)
    return await new Promise((resolve, reject) => {
      let ending: Ending | undefined
      const end = new Promise<void>((commit, rollback) => {
        ending = { commit, rollback }
      })
      const callback = (tx: OwnTransaction): Promise<void> => {
        resolve(new ActorTransaction(database, tx, intMode, ending as Ending, running))
        return end
      }
      const running: Promise<void> = database._transaction(callback, { behavior }, waitMs)
      // Of no effect once it was begun; and whoever has the handle may never ask how it ended.
      running.catch((error) => reject(libsqlError(error)))
    })
  }

  /** Resolves when it has ended, however. */
  get ended(): Promise<unknown> {
    return this.#running.catch(() => {})
  }

  execute(statement: InStatement): Promise<ResultSet>
  execute(sql: string, args?: InArgs): Promise<ResultSet>
  async execute(statement: InStatement, args?: InArgs): Promise<ResultSet> {
    this.#check()
    const given = typeof statement === 'string' ? { sql: statement, args } : statement
    return await this.#told(run(this.#tx, given, this.#mode))
  }

  async batch(statements: readonly Statement[]): Promise<ResultSet[]> {
    return await runAll(statements, async (statement) => {
      if (this.closed) throw new StorageError('the transaction is over', 'ERR_TRANSACTION_OVER')
      return await run(this.#tx, statement, this.#mode)
    })
  }

  async executeMultiple(sql: string): Promise<void> {
    this.#check()
    await this.#told(this.#tx.exec(sql))
  }

  async commit(): Promise<void> {
    this.#check()
    this.#settled = true
    this.#ending.commit()
    await this.#told(this.#running)
  }

  async rollback(): Promise<void> {
    this.close()
    await this.ended
  }

  close(): void {
    this.#settled = true
    this.#ending.rollback(ROLLBACK)
  }

  get closed(): boolean {
    return this.#settled || !this.#database.inTransaction
  }

  #check(): void {
    if (this.closed) throw transactionClosed()
  }

  async #told<T>(result: Promise<T>): Promise<T> {
    try {
      return await result
    } catch (error) {
      throw libsqlError(error)
    }
  }
}
