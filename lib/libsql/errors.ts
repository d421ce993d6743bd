/** Errors as the users of @libsql/client know them. */

import { codeName } from '../codes.js'
import { SqliteError, StorageError } from '../errors.js'
import { BusyError } from '../scope.js'

/** A call of a client failed. Of the same shape as the class of `@libsql/core`, and not an instance of it. */
export class LibsqlError extends Error {
  /** The name of SQLite's primary code, a code of the client such as `CLIENT_CLOSED`, or of a `StorageError`. */
  readonly code: string
  /** The name of SQLite's extended code, where it is SQLite that refused. */
  readonly extendedCode?: string
  /** The extended code. */
  readonly rawCode?: number

  constructor(message: string, code: string, extendedCode?: string, rawCode?: number, cause?: Error) {
    super(`${code}: ${message}`, { cause })
    this.code = code
    this.extendedCode = extendedCode
    this.rawCode = rawCode
    this.name = 'LibsqlError'
  }
}

/** A statement of a batch failed. */
export class LibsqlBatchError extends LibsqlError {
  /** Which, from 0. */
  readonly statementIndex: number

  constructor(
    message: string,
    statementIndex: number,
    code: string,
    extendedCode?: string,
    rawCode?: number,
    cause?: Error,
  ) {
    super(message, code, extendedCode, rawCode, cause)
    this.statementIndex = statementIndex
    this.name = 'LibsqlBatchError'
  }
}

/** The client was closed. */
export const clientClosed = (cause?: Error): LibsqlError =>
  new LibsqlError('The client is closed', 'CLIENT_CLOSED', undefined, undefined, cause)

/** The transaction was committed, rolled back, or ended by SQLite. */
export const transactionClosed = (cause?: Error, statementIndex?: number): LibsqlError =>
  made('The transaction is closed', statementIndex, 'TRANSACTION_CLOSED', undefined, undefined, cause)

/**
 * What a client throws for an error of a database, of the statement of a batch if `statementIndex` is
 * given. What is wrong with arguments stays a `TypeError` or `RangeError`.
 */
export function libsqlError(error: unknown, statementIndex?: number): unknown {
  if (error instanceof SqliteError) {
    const { message, code, errno } = error
    return made(message, statementIndex, codeName(errno & 0xff), code, errno, error)
  }
  if (error instanceof BusyError) {
    const message = `database is locked: ${error.message}, an open transaction of this client perhaps`
    return new LibsqlError(message, 'SQLITE_BUSY', 'SQLITE_BUSY', 5, error)
  }
  if (error instanceof StorageError) {
    if (error.code === 'ERR_TRANSACTION_OVER') return transactionClosed(error, statementIndex)
    if (error.code === 'ERR_CLOSED') return clientClosed(error)
    return made(error.message, statementIndex, error.code, undefined, undefined, error)
  }
  // No statement, more than one, or one that has no place in a batch.
  if (error instanceof TypeError && (error as { code?: unknown }).code === 'ERR_USAGE') {
    return made(error.message, statementIndex, 'SQLITE_MISUSE', 'SQLITE_MISUSE', 21, error)
  }
  return error
}

function made(
  message: string,
  statementIndex: number | undefined,
  ...facts: [code: string, extendedCode?: string, rawCode?: number, cause?: Error]
): LibsqlError {
  if (statementIndex === undefined) return new LibsqlError(message, ...facts)
  return new LibsqlBatchError(message, statementIndex, ...facts)
}
