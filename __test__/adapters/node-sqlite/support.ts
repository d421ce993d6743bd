/** What the tests of `actor-sqlite/node-sqlite` share. */

import { join } from 'node:path'
import { DatabaseSync } from 'actor-sqlite/node-sqlite'
import { afterAll } from 'vitest'
import { temporaryDirectory } from '../../support.js'

/** A directory for the stores of a test file. */
export const directory = temporaryDirectory()
const open: DatabaseSync[] = []
afterAll(() => {
  for (const db of open) if (db.isOpen) db.close()
})

let files = 0
/** A path where nothing is yet. */
export const nextPath = (): string => join(directory, `file-${++files}.db`)

type Options = ConstructorParameters<typeof DatabaseSync>[1]

/** A database in memory, closed after the tests. */
export function memory(options?: Options): DatabaseSync {
  const db = options === undefined ? new DatabaseSync(':memory:') : new DatabaseSync(':memory:', options)
  open.push(db)
  return db
}

/** What a call threw: code, message, and SQLite's number where there is one. */
export function thrown(call: () => unknown): unknown[] {
  try {
    call()
  } catch (error) {
    const { code, message, errcode, errstr } = error as Error & Record<string, unknown>
    return errcode === undefined ? [code, message] : [code, message, errcode, errstr]
  }
  throw new Error('nothing was thrown')
}

/** A row as the module gives it. */
export const row = (columns: object): object => Object.assign(Object.create(null), columns)
