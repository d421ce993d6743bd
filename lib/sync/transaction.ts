/** Functions that run as one transaction. */

import type { DatabaseSync } from './database.js'
import type { StatementSync } from './statement.js'

// biome-ignore lint/suspicious/noExplicitAny: any other type would refuse callers' own functions
type AnyFunction = (...args: any[]) => unknown

/** A function that runs as a transaction, or inside one as a savepoint. */
export interface TransactionFn<F extends AnyFunction> {
  (...args: Parameters<F>): ReturnType<F>
  /** Begins as `BEGIN` does. */
  readonly default: TransactionFn<F>
  /** Begins with `BEGIN DEFERRED`. */
  readonly deferred: TransactionFn<F>
  /** Begins with `BEGIN IMMEDIATE`. */
  readonly immediate: TransactionFn<F>
  /** Begins with `BEGIN EXCLUSIVE`. */
  readonly exclusive: TransactionFn<F>
  readonly database: DatabaseSync
}

interface Steps {
  readonly before: StatementSync
  readonly after: StatementSync
  readonly undo: StatementSync
}

/** The statements that begin and end transactions, compiled once a database. */
export class TransactionSteps {
  readonly #prepare: (sql: string) => StatementSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(prepare: (sql: string) => StatementSync) {
    this.#prepare = prepare
  }

  outermost(begin: string): Steps {
    return { before: this.#of(begin), after: this.#of('COMMIT'), undo: this.#of('ROLLBACK') }
  }

  nested(): Steps {
    const name = '"actor_sqlite_nested"'
    return {
      before: this.#of(`SAVEPOINT ${name}`),
      after: this.#of(`RELEASE ${name}`),
      undo: this.#of(`ROLLBACK TO ${name}`),
    }
  }

  #of(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

/** Makes the four forms of a function that runs as a transaction. */
export function transactionOf<F extends AnyFunction>(
  database: DatabaseSync,
  steps: TransactionSteps,
  work: F,
): TransactionFn<F> {
  const form = (begin: string): TransactionFn<F> =>
    function sqliteTransaction(this: unknown, ...args: unknown[]): unknown {
      return transact(database, steps, begin, () => work.apply(this, args))
    } as unknown as TransactionFn<F>
  const forms = {
    default: form('BEGIN'),
    deferred: form('BEGIN DEFERRED'),
    immediate: form('BEGIN IMMEDIATE'),
    exclusive: form('BEGIN EXCLUSIVE'),
  }
  const properties = {
    default: { value: forms.default },
    deferred: { value: forms.deferred },
    immediate: { value: forms.immediate },
    exclusive: { value: forms.exclusive },
    database: { value: database, enumerable: true },
  }
  for (const one of Object.values(forms)) Object.defineProperties(one, properties)
  return forms.default
}

function transact(
  database: DatabaseSync,
  steps: TransactionSteps,
  begin: string,
  work: () => unknown,
): unknown {
  const nested = database.inTransaction
  const { before, after, undo } = nested ? steps.nested() : steps.outermost(begin)
  before.run()
  try {
    const result = work()
    if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function') {
      throw new TypeError('Transaction function cannot return a promise')
    }
    after.run()
    return result
  } catch (error) {
    // SQLite may have rolled back by itself.
    if (database.inTransaction) {
      undo.run()
      if (nested) after.run()
    }
    throw error
  }
}
