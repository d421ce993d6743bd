/** Transactions for libraries that begin and end one by calls, and have no callback to give. */

import type { Database } from './database.js'
import { RollbackError, type Transaction } from './transaction.js'
import type { TransactionOptions } from './types.js'

const nothing = (): undefined => undefined

/** What the callback of a transaction that is held open has, and how it is left. */
interface Handle {
  readonly tx: Transaction
  readonly commit: () => void
  readonly rollback: (reason: unknown) => void
}

/** A transaction that is open until it is told to end. It owns the database's connection meanwhile. */
export class HeldTransaction {
  readonly #handle: Handle
  readonly #done: Promise<void>

  private constructor(handle: Handle, done: Promise<void>) {
    this.#handle = handle
    this.#done = done
  }

  /** Waits for the transactions before it, and begins. */
  static async begin(database: Database, options: TransactionOptions = {}): Promise<HeldTransaction> {
    let done: Promise<void> = Promise.resolve()
    const handle = await new Promise<Handle>((begun, failed) => {
      const hold = (tx: Transaction): Promise<void> =>
        new Promise((commit, rollback) => begun({ tx, commit, rollback }))
      done = database.transaction(hold, options)
      // A time limit may end it while nobody waits for it: who uses or commits it then is told.
      done.catch(failed)
    })
    return new HeldTransaction(handle, done)
  }

  /** What runs in it. */
  get tx(): Transaction {
    return this.#handle.tx
  }

  /** Commits. If that fails it is rolled back, and over all the same. */
  async commit(): Promise<void> {
    this.#handle.commit()
    await this.#done
  }

  /** Rolls back; no error if SQLite, or a time limit, did so before. */
  async rollback(): Promise<void> {
    this.#handle.rollback(new RollbackError())
    await this.#done.catch(nothing)
  }
}
