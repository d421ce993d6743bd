/** The error classes, and how they are made of what the addon reports. */

import type { ErrorPayload } from '../native.cjs'
import { codeName, codeText } from './codes.js'

/** The name of an extended result code, such as `SQLITE_CONSTRAINT_UNIQUE`. */
export type SqliteErrorCode = `SQLITE_${string}`

/** What a storage error is about. */
export type StorageErrorCode =
  /** Another owner claimed the database; this handle is of no use any more. */
  | 'ERR_FENCED'
  /** Stored bytes are wrong; `row` names where. */
  | 'ERR_CORRUPT'
  /** The store could not be reached; nothing was changed. */
  | 'ERR_UNAVAILABLE'
  /** The database, or all of its namespace, is at its quota; `actual` and `limit` are bytes. */
  | 'ERR_QUOTA'
  /** The disk of the store is full; nothing was changed, and writing goes on once there is room. */
  | 'ERR_STORE_FULL'
  /** A transaction, a row or a name is larger than the store takes. */
  | 'ERR_LIMIT'
  /** The time of the call was over; what it did was undone. */
  | 'ERR_TIMEOUT'
  /** The answer to a commit was lost and it could not be found out whether it landed. */
  | 'ERR_UNKNOWN_COMMIT'
  /** The handle was closed. */
  | 'ERR_CLOSED'
  /** There is a file or a database of that name already, which cannot be overwritten or was not to be. */
  | 'ERR_EXISTS'
  /** The file to import is no SQLite database, or a damaged one; nothing of it was imported. */
  | 'ERR_INVALID_FILE'
  /** There is no such database, and it was not to be made. */
  | 'ERR_NOT_FOUND'
  /** Another process holds the store; `holder` says which. */
  | 'ERR_IN_USE'
  /** The store stopped after a failed sync; reopening shows the last durable state. */
  | 'ERR_DEAD'
  /** More calls are waiting than the database takes. */
  | 'ERR_QUEUE_FULL'
  /** The transaction was committed, rolled back, or ended by SQLite. */
  | 'ERR_TRANSACTION_OVER'
  /** The call would wait for the transaction it is made in. */
  | 'ERR_REENTRY'
  /** SQLite cannot be set up as it must be. */
  | 'ERR_UNUSABLE'
  /** A bug of this package; the handle is of no use any more. */
  | 'ERR_INTERNAL'

/** SQLite refused: bad SQL, a constraint, a limit, an interrupt. The message is SQLite's own. */
export class SqliteError extends Error {
  /** The name of the extended result code. */
  readonly code: SqliteErrorCode
  /** The extended result code. */
  readonly errno: number
  /** What SQLite says of the primary code. */
  readonly errstr: string
  /** Where in the SQL text the error is, in bytes of UTF-8; -1 if unknown. */
  readonly offset: number
  /** Which statement of a batch or script failed, from 0. */
  declare readonly statementIndex?: number

  constructor(message: string, errno: number, offset = -1, statementIndex?: number) {
    super(message)
    this.code = codeName(errno)
    this.errno = errno
    this.errstr = codeText(errno)
    this.offset = offset
    if (statementIndex !== undefined) Object.assign(this, { statementIndex })
  }
}

/** Facts of a storage error beside its code. */
export interface StorageErrorDetails {
  /** Whether a later try of the same call may succeed and cannot be applied twice. */
  readonly retryable?: boolean
  readonly actor?: string
  readonly expectedGeneration?: number
  readonly actualGeneration?: number
  readonly expectedHead?: number
  readonly actualHead?: number
  readonly commitId?: string
  readonly row?: string
  readonly path?: string
  readonly holder?: string
  readonly limit?: number
  readonly actual?: number
  readonly cause?: unknown
}

/** The store, or the handle, cannot do it. Which ids are set depends on the code. */
export class StorageError extends Error {
  readonly code: StorageErrorCode
  /** Whether a later try of the same call may succeed and cannot be applied twice. */
  readonly retryable: boolean
  /** Whose database. */
  declare readonly actor?: string
  /** The generation of this handle, and the store's. */
  declare readonly expectedGeneration?: number
  declare readonly actualGeneration?: number
  /** The head this handle last saw, and the store's. */
  declare readonly expectedHead?: number
  declare readonly actualHead?: number
  /** `generation.sequence` of the commit. */
  declare readonly commitId?: string
  /** The row of the store, in words. */
  declare readonly row?: string
  /** The store's directory. */
  declare readonly path?: string
  /** Who holds it. */
  declare readonly holder?: string
  /** The largest that is taken, and what was given. */
  declare readonly limit?: number
  declare readonly actual?: number

  constructor(message: string, code: StorageErrorCode, details: StorageErrorDetails = {}) {
    const { retryable = false, cause, ...ids } = details
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retryable = retryable
    Object.assign(this, ids)
  }
}

// On the prototypes, as Error itself has it, so that it is no own property of each error.
for (const type of [SqliteError, StorageError]) {
  Object.defineProperty(type.prototype, 'name', { value: type.name, configurable: true, writable: true })
}

/** A failed request, before it is thrown: an error costs only where it is made. */
export class Failure {
  readonly #make: () => unknown

  constructor(make: () => unknown) {
    this.#make = make
  }

  /** Of what the addon reported. */
  static of(payload: ErrorPayload): Failure {
    const failure: Failure = new Failure(() => {
      const error = errorOf(payload)
      Error.captureStackTrace(error, failure.error)
      return error
    })
    return failure
  }

  /** The error, with the stack of the call that awaited the request. */
  error(): unknown {
    return this.#make()
  }
}

function errorOf(payload: ErrorPayload): Error {
  const { kind, code, message, errno, offset, statementIndex, fatal: _, ...details } = payload
  switch (kind) {
    case 'sqlite':
      return new SqliteError(message, errno ?? 1, offset, statementIndex)
    case 'type':
      return Object.assign(new TypeError(message), { code })
    case 'range':
      return Object.assign(new RangeError(message), { code })
    default:
      return new StorageError(message, code as StorageErrorCode, details)
  }
}

/** The handle was closed. */
export function closedError(what: 'database' | 'storage' | 'statement'): StorageError {
  return new StorageError(`the ${what} is closed`, 'ERR_CLOSED')
}
