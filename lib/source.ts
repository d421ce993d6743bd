/** Databases as adapters are told of them. */

import { Database } from './database.js'
import { describe } from './encode.js'
import { openDatabase, type Storage } from './storage.js'
import type { DatabaseOptions } from './types.js'

/** An open database, or an actor of a store whose database the adapter opens, and closes in the end. */
export type DatabaseSource =
  | {
      /** An open database. The adapter leaves it open. */
      readonly database: Database
    }
  | {
      /** The actor whose database is opened when it is first needed. */
      readonly actor: string
      /** An open storage, or the directory of one. */
      readonly storage: Storage | string
      /** How it is opened. */
      readonly open?: DatabaseOptions
    }

/** The database that a source names, and whether it was opened here. `what` is for error messages. */
export async function databaseOf(
  source: DatabaseSource,
  what: string,
): Promise<{ database: Database; opened: boolean }> {
  if ('database' in source && source.database instanceof Database) {
    return { database: source.database, opened: false }
  }
  if ('actor' in source && typeof source.actor === 'string') {
    const { actor, storage, open } = source
    return { database: await openDatabase(actor, { ...open, store: storage }), opened: true }
  }
  throw new TypeError(`${what} must be { database } or { actor, storage }, not ${describe(source)}`)
}
