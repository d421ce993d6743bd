/** Errors as `node:sqlite` makes them: by their `code`, with its messages. */

import type { ErrorPayload } from '../../native.cjs'
import { codeText } from '../codes.js'
import { Failure } from '../errors.js'

const SQLITE_CANTOPEN = 14

function coded<E extends Error>(error: E, code: string): E & { code: string } {
  return Object.assign(error, { code })
}

/** An argument of the wrong type. */
export function invalidArgType(message: string): TypeError {
  return coded(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

/** An argument that cannot be used. */
export function invalidArgValue(message: string): TypeError {
  return coded(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/** A number too large or too small. */
export function outOfRange(message: string): RangeError {
  return coded(new RangeError(message), 'ERR_OUT_OF_RANGE')
}

/** Not now: closed, finalized, or in the middle of something. */
export function invalidState(message: string): Error {
  return coded(new Error(message), 'ERR_INVALID_STATE')
}

/** A class whose objects are made elsewhere. */
export function illegalConstructor(): Error {
  return coded(new Error('Illegal constructor'), 'ERR_ILLEGAL_CONSTRUCTOR')
}

/** A class that was called as a function. */
export function constructCallRequired(): TypeError {
  return coded(new TypeError('Cannot call constructor without `new`'), 'ERR_CONSTRUCT_CALL_REQUIRED')
}

/** SQLite refused; without a number, we did in its name. */
export function sqliteError(message: string, errcode?: number): Error {
  const error = coded(new Error(message), 'ERR_SQLITE_ERROR')
  return errcode === undefined ? error : Object.assign(error, { errcode, errstr: codeText(errcode) })
}

/** SQLite's own words for a code. */
export function sqliteCodeError(errcode: number): Error {
  return sqliteError(codeText(errcode), errcode)
}

/** The error of what the addon reported. What the store itself refused stays a `StorageError`. */
export function errorOf(payload: ErrorPayload): unknown {
  const { kind, code, message, errno } = payload
  if (kind === 'sqlite') return sqliteError(message, errno ?? 1)
  if (code === 'ERR_NOT_FOUND') return sqliteCodeError(SQLITE_CANTOPEN)
  if (code === 'ERR_BUSY') return invalidState('the database is in use: a callback must not call it')
  if (code === 'ERR_CLOSED') return invalidState('database is not open')
  return Failure.of(payload).error()
}
