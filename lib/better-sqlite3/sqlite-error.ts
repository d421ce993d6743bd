/** The error class of this package, with the constructor of better-sqlite3's. */

import { SqliteError as Base, type SqliteErrorCode } from '../errors.js'

/** Makes the same errors as the package throws: `instanceof` holds of both classes for both. */
export interface SqliteErrorConstructor {
  new (message: string, code: string): Base
  (message: string, code: string): Base
  readonly prototype: Base
}

function construct(message: unknown, code: unknown): Base {
  if (typeof code !== 'string') throw new TypeError('Expected second argument to be a string')
  const error = new Base(String(message), 1)
  Object.assign(error, { code: code as SqliteErrorCode })
  if (new.target !== undefined && new.target !== construct) {
    Object.setPrototypeOf(error, new.target.prototype as object)
  }
  Error.captureStackTrace(error, new.target ?? construct)
  return error
}

Object.defineProperty(construct, 'name', { value: 'SqliteError' })
construct.prototype = Base.prototype

/** SQLite refused. */
export const SqliteError = construct as unknown as SqliteErrorConstructor
