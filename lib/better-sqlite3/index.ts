/**
 * The class of better-sqlite3 over the databases of actors.
 *
 * @module
 */

import { DatabaseSync } from '../sync/database.js'
import { open, Statement } from './open.js'
import type { Options } from './options.js'
import { SqliteError } from './sqlite-error.js'

export type { BackupOptionsSync as BackupOptions } from '../sync/backup.js'
export type { DatabaseSync, PragmaOptionsSync as PragmaOptions } from '../sync/database.js'
export type { TransactionFn as Transaction } from '../sync/transaction.js'
export type { RunResult } from '../types.js'
export type { Options } from './options.js'
export { SqliteError, Statement }

/** Opens a database, with or without `new`. */
export interface DatabaseConstructor {
  new (filename?: string | Buffer | null, options?: Options | null): DatabaseSync
  (filename?: string | Buffer | null, options?: Options | null): DatabaseSync
  readonly prototype: DatabaseSync
  readonly SqliteError: typeof SqliteError
}

// A class cannot be called without `new`, and programs do that.
function construct(filename?: unknown, options?: unknown): DatabaseSync {
  return Reflect.construct(DatabaseSync, [open(filename, options)], new.target ?? Database) as DatabaseSync
}

/** A database of better-sqlite3, kept as an actor. */
const Database = construct as unknown as DatabaseConstructor

Object.defineProperties(construct, {
  name: { value: 'Database' },
  SqliteError: { value: SqliteError, enumerable: true, writable: true, configurable: true },
  prototype: {
    value: Object.create(DatabaseSync.prototype, {
      constructor: { value: construct, writable: true, configurable: true },
    }),
  },
})

export type Database = DatabaseSync
// What `require` of this module gives: the class itself, as that of better-sqlite3 does.
export { Database, Database as default, Database as 'module.exports' }
