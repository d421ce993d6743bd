/** Statements by the template they are written as. */

import { constructible, inside, requireInside } from './construct.js'
import type { DatabaseSync } from './database.js'
import { invalidArgType, invalidState, outOfRange } from './errors.js'
import type {
  SQLInputValue,
  SQLRow,
  StatementResultingChanges,
  StatementSync,
  SQLTagStore as TagStore,
} from './types.js'

const CAPACITY = 1000

class SQLTagStoreImpl implements TagStore {
  readonly #db: DatabaseSync
  readonly #capacity: number
  /** The least recently used first. */
  readonly #statements = new Map<string, StatementSync>()

  constructor(token: typeof inside, db: DatabaseSync, capacity: number) {
    requireInside(token)
    this.#db = db
    this.#capacity = capacity
  }

  /** How many statements are kept. */
  get capacity(): number {
    return this.#capacity
  }

  /** The database. */
  get db(): DatabaseSync {
    return this.#db
  }

  /** How many statements there are. */
  get size(): number {
    return this.#statements.size
  }

  /** Runs the statement of a template, and returns all rows. */
  all(strings: TemplateStringsArray, ...values: SQLInputValue[]): SQLRow[] {
    return this.#statement(strings).all(...own(values))
  }

  /** Runs the statement of a template, and returns the first row; `undefined` if there is none. */
  get(strings: TemplateStringsArray, ...values: SQLInputValue[]): SQLRow | undefined {
    return this.#statement(strings).get(...own(values))
  }

  /** Runs the statement of a template, and returns its rows as they are asked for. */
  iterate(strings: TemplateStringsArray, ...values: SQLInputValue[]): IterableIterator<SQLRow> {
    return this.#statement(strings).iterate(...own(values))
  }

  /** Runs the statement of a template, and says what it changed. */
  run(strings: TemplateStringsArray, ...values: SQLInputValue[]): StatementResultingChanges {
    return this.#statement(strings).run(...own(values))
  }

  /** Forgets its statements. */
  clear(): void {
    this.#statements.clear()
  }

  #statement(strings: unknown): StatementSync {
    if (!this.#db.isOpen) throw invalidState('database is not open')
    if (!Array.isArray(strings) || !strings.every((string) => typeof string === 'string')) {
      throw invalidArgType('First argument must be an array of strings (template literal).')
    }
    const sql = strings.join('?')
    const known = this.#statements.get(sql)
    this.#statements.delete(sql)
    const statement = known !== undefined && isAlive(known) ? known : this.#db.prepare(sql)
    this.#statements.set(sql, statement)
    if (this.#statements.size > this.#capacity) {
      const [oldest] = this.#statements.keys()
      this.#statements.delete(oldest as string)
    }
    return statement
  }
}

/** An object in the first place is a value, not names: it does not bind. */
function own(values: SQLInputValue[]): SQLInputValue[] {
  const [first] = values
  const isObject = typeof first === 'function' || (typeof first === 'object' && first !== null)
  if (isObject && !ArrayBuffer.isView(first) && !(first instanceof ArrayBuffer)) {
    throw invalidArgType('Provided value cannot be bound to SQLite parameter 1.')
  }
  return values
}

function isAlive(statement: StatementSync): boolean {
  try {
    return statement.sourceSQL.length > 0
  } catch {
    return false
  }
}

const SQLTagStore = constructible(SQLTagStoreImpl, 'SQLTagStore', false)

/** A store of so many statements. */
export function createTagStore(db: DatabaseSync, maxSize: unknown): TagStore {
  let capacity = CAPACITY
  if (maxSize !== undefined) {
    const message = 'The "maxSize" argument must be a positive integer.'
    if (typeof maxSize !== 'number') throw invalidArgType(message)
    if (!Number.isInteger(maxSize) || maxSize < 1) throw outOfRange(message)
    capacity = maxSize
  }
  return Reflect.construct(SQLTagStore, [inside, db, capacity])
}
