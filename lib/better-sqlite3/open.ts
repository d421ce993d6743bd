/** A file name into the database of an actor. */

import { SqliteError, StorageError } from '../errors.js'
import type { OpenedSync } from '../sync/database.js'
import { type Opening, openMemory, openSync } from '../sync/open.js'
import { placeOf } from '../sync/place.js'
import { Mode } from '../sync/state.js'
import { StatementSync } from '../sync/statement.js'
import type { Row } from '../types.js'
import { checked } from './options.js'

/** SQLite's own cache, as large as better-sqlite3 has it. */
const CACHE_BYTES = 16_000 * 1024

const SQLITE_CANTOPEN = 14
const SQLITE_NOTADB = 26

type Memory = ReturnType<typeof openMemory>

/** A compiled statement. */
export class Statement<T = Row> extends StatementSync<T> {}

/** Opens what the constructor is asked for. */
export function open(given: unknown, options: unknown): OpenedSync {
  const file = Buffer.isBuffer(given) ? given : undefined
  const filename = file === undefined ? (given ?? '') : ':memory:'
  if (typeof filename !== 'string') throw new TypeError('Expected first argument to be a string')
  const trimmed = filename.trim()
  const memory = trimmed === '' || trimmed === ':memory:'
  const { readonly, fileMustExist, verbose, store, rest } = checked(options, memory && file === undefined)
  const opening: Opening = { dialect: { exact: true }, mode: Mode.rounded, safeIntegers: false, verbose }
  const facts = { name: filename, memory, readonly, statements: Statement }
  if (memory) return { ...openBytes(opening, readonly, file), ...facts }
  const found = placeOf(trimmed, store)
  if (found === undefined) {
    throw new TypeError('Cannot open database because the directory does not exist')
  }
  const { actor, ...place } = found
  const create = !readonly && !fileMustExist
  try {
    return {
      ...openSync(actor, { ...rest, ...place, readonly, create, cacheBytes: CACHE_BYTES }, opening),
      ...facts,
    }
  } catch (error) {
    if (error instanceof StorageError && error.code === 'ERR_NOT_FOUND') {
      throw new SqliteError('unable to open database file', SQLITE_CANTOPEN)
    }
    throw error
  }
}

/** In memory, of the bytes of a SQLite file if there are any. */
function openBytes(opening: Opening, readonly: boolean, file: Buffer | undefined): Memory {
  try {
    return openMemory(opening, { cacheBytes: CACHE_BYTES, readonly }, file)
  } catch (error) {
    if (error instanceof StorageError && error.code === 'ERR_INVALID_FILE') {
      throw new SqliteError(error.message, SQLITE_NOTADB)
    }
    throw error
  }
}
