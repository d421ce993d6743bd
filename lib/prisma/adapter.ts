/** The adapter: one database as Prisma uses it. */

import {
  DriverAdapterError,
  type IsolationLevel,
  type SqlDriverAdapter,
  type Transaction,
} from '@prisma/driver-adapter-utils'
import type { Database } from '../database.js'
import { HeldTransaction } from '../held.js'
import type { TimestampFormat } from './columns.js'
import { PrismaQueryable, withMappedErrors } from './queryable.js'
import { PrismaTransaction } from './transaction.js'

/** A database that a factory connected to. */
export class ActorSqlitePrismaAdapter extends PrismaQueryable implements SqlDriverAdapter {
  readonly #database: Database
  readonly #format: TimestampFormat
  readonly #opened: boolean

  /** @internal */
  constructor(database: Database, opened: boolean, format: TimestampFormat) {
    super(database, format)
    this.#database = database
    this.#format = format
    this.#opened = opened
  }

  /** Runs many statements. */
  executeScript(script: string): Promise<void> {
    return withMappedErrors(() => this.#database.exec(script))
  }

  /** Begins a transaction, which owns the database until it ends. All are serializable. */
  async startTransaction(isolationLevel?: IsolationLevel): Promise<Transaction> {
    if (isolationLevel !== undefined && isolationLevel !== 'SERIALIZABLE') {
      throw new DriverAdapterError({ kind: 'InvalidIsolationLevel', level: isolationLevel })
    }
    const held = await withMappedErrors(() => HeldTransaction.begin(this.#database))
    return new PrismaTransaction(held, this.#format)
  }

  /** Closes the database if it was opened for Prisma. */
  async dispose(): Promise<void> {
    if (this.#opened) await withMappedErrors(() => this.#database.close())
  }
}
