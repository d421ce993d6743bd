/** Options of the constructor. */

import type { Storage } from '../storage.js'
import { booleanOption } from '../sync/options.js'
import type { Durability } from '../types.js'

/** Those of better-sqlite3, and where the database is kept. */
export interface Options {
  /** Refuse writes; the database must be there. Default: `false`. */
  readonly readonly?: boolean
  /** Do not make a database that is not there. Default: `false`. */
  readonly fileMustExist?: boolean
  /** Checked and of no effect: a database has one owner, and nobody to wait for. */
  readonly timeout?: number
  /** Called with the text of each statement before it runs. */
  readonly verbose?: ((sql: string) => unknown) | null
  /** Checked and of no effect. */
  readonly nativeBinding?: string | object | null
  /**
   * The store to keep the database in, whose name is then the actor's. Default: the environment's
   * `ACTOR_SQLITE_STORE`; without that the directory `.actor-sqlite` beside the named file.
   */
  readonly store?: string | Storage
  /** The namespace of the actor. Default: the storage's, else the empty one. */
  readonly namespace?: string
  /** Default: the storage's, else `'strict'`. */
  readonly durability?: Durability
}

/** Options that were checked. */
export interface Checked {
  readonly readonly: boolean
  readonly fileMustExist: boolean
  readonly verbose: ((sql: string) => unknown) | undefined
  readonly store: string | Storage | undefined
  readonly rest: Pick<Options, 'namespace' | 'durability'>
}

/** Checks options as better-sqlite3 does. */
export function checked(given: unknown, inMemory: boolean): Checked {
  const options = (given ?? {}) as Options
  if (typeof options !== 'object') throw new TypeError('Expected second argument to be an options object')
  if ('readOnly' in options) throw new TypeError('Misspelled option "readOnly" should be "readonly"')
  if ('memory' in options) {
    throw new TypeError('Option "memory" was removed in v7.0.0 (use ":memory:" filename instead)')
  }
  const readonly = booleanOption(options, 'readonly')
  const fileMustExist = booleanOption(options, 'fileMustExist')
  const { timeout = 'timeout' in options ? undefined : 5000, verbose, nativeBinding } = options
  if (readonly && inMemory) throw new TypeError('In-memory/temporary databases cannot be readonly')
  if (!Number.isInteger(timeout) || (timeout as number) < 0) {
    throw new TypeError('Expected the "timeout" option to be a positive integer')
  }
  if ((timeout as number) > 0x7fffffff) {
    throw new RangeError('Option "timeout" cannot be greater than 2147483647')
  }
  if (verbose !== undefined && verbose !== null && typeof verbose !== 'function') {
    throw new TypeError('Expected the "verbose" option to be a function')
  }
  if (nativeBinding !== undefined && typeof nativeBinding !== 'string' && typeof nativeBinding !== 'object') {
    throw new TypeError('Expected the "nativeBinding" option to be a string or addon object')
  }
  const { namespace, durability, store } = options
  return { readonly, fileMustExist, verbose: verbose ?? undefined, store, rest: { namespace, durability } }
}
