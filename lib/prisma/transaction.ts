/** Prisma's transactions. */

import type { Transaction, TransactionOptions } from '@prisma/driver-adapter-utils'
import type { HeldTransaction } from '../held.js'
import type { TimestampFormat } from './columns.js'
import { PrismaQueryable, withMappedErrors } from './queryable.js'

/** A transaction that Prisma holds open. */
export class PrismaTransaction extends PrismaQueryable implements Transaction {
  /** Prisma calls `commit` and `rollback`, and sends no SQL for them. */
  readonly options: TransactionOptions = { usePhantomQuery: true }
  readonly #held: HeldTransaction

  constructor(held: HeldTransaction, format: TimestampFormat) {
    super(held.tx, format)
    this.#held = held
  }

  commit(): Promise<void> {
    return withMappedErrors(() => this.#held.commit())
  }

  rollback(): Promise<void> {
    return withMappedErrors(() => this.#held.rollback())
  }

  async createSavepoint(name: string): Promise<void> {
    await this.#run(`SAVEPOINT ${name}`)
  }

  async rollbackToSavepoint(name: string): Promise<void> {
    await this.#run(`ROLLBACK TO ${name}`)
  }

  async releaseSavepoint(name: string): Promise<void> {
    await this.#run(`RELEASE SAVEPOINT ${name}`)
  }

  async #run(sql: string): Promise<void> {
    await this.executeRaw({ sql, args: [], argTypes: [] })
  }
}
