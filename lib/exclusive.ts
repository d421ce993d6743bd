/** Work that needs the connection for itself, and no transaction around it. */

import { connectionHandle } from './connection.js'
import type { Database } from './database.js'
import { Opcode } from './encode.js'
import { StorageError } from './errors.js'
import { native } from './native.js'
import { Queryable } from './queryable.js'
import { check, release, type Scope, type TransactionState, turn } from './scope.js'

/** A database's calls while everybody else waits. */
class Alone extends Queryable {}

/**
 * Runs a callback that has the connection to itself: other calls wait until it has ended, as they
 * do for a transaction. What it changes outside a transaction of its own stays; a transaction that
 * it leaves open is rolled back. With `waitMs` it is begun within that time or not at all.
 */
export async function exclusively<T>(
  database: Database,
  callback: (alone: Queryable) => Promise<T>,
  waitMs?: number,
): Promise<T> {
  const outer = database._scope
  const { core } = outer
  check(outer, 0)
  await turn(outer, waitMs)
  const state: TransactionState = { id: 0, savepoints: [], undoing: 0, over: undefined }
  const scope: Scope = { ...outer, owner: database, transaction: state }
  try {
    return await callback(new Alone(scope, 0))
  } finally {
    state.over = new StorageError('the time alone with the database is over', 'ERR_TRANSACTION_OVER')
    if (native.inTransaction(connectionHandle, core.handle)) await runAnyway(scope, 'ROLLBACK')
    core.disown()
  }
}

/** Runs a script that puts things right, however late it is and however many wait. Never rejects. */
export async function runAnyway(scope: Scope, script: string): Promise<void> {
  await release(scope, Opcode.script, (buffer) => buffer.text(script))
}

/**
 * The same without foreign keys enforced, as a table cannot be rebuilt under them; they are as they
 * were when it has ended, whatever happened.
 */
export function withoutForeignKeys<T>(
  database: Database,
  callback: (alone: Queryable) => Promise<T>,
  waitMs?: number,
): Promise<T> {
  const relaxed = async (alone: Queryable): Promise<T> => {
    const enforced = (await alone.pluck('PRAGMA foreign_keys')) !== 0
    if (!enforced) return await callback(alone)
    await alone.exec('PRAGMA foreign_keys = OFF')
    try {
      return await callback(alone)
    } finally {
      // Of a transaction that is still open SQLite would ignore it.
      const { core } = alone._scope
      const open = native.inTransaction(connectionHandle, core.handle)
      await runAnyway(alone._scope, open ? 'ROLLBACK; PRAGMA foreign_keys = ON' : 'PRAGMA foreign_keys = ON')
    }
  }
  return exclusively(database, relaxed, waitMs)
}
