/** Arguments of a call into values in the order of a statement's parameters. */

import { bytesOf, isPlainObject, unbindable } from '../encode.js'
import type { Dialect } from './state.js'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** The parameters of a statement: names with their prefix, `null` for one without. */
export class Parameters {
  readonly #names: readonly (string | null)[]
  /** Whether any has a name that is not a number (`?1`). */
  readonly #named: boolean

  constructor(names: readonly (string | null)[]) {
    this.#names = names
    this.#named = names.some((name) => name !== null && !name.startsWith('?'))
  }

  /** As many NULLs. */
  nulls(): null[] {
    return this.#names.map(() => null)
  }

  /** The values for the parameters, in order. Throws if they do not fit. */
  values(args: readonly unknown[], dialect: Dialect): readonly unknown[] {
    const count = this.#names.length
    if (!this.#named && args.length === count) {
      let index = 0
      while (index < count && isSimple(args[index])) index += 1
      if (index === count) return args
    }
    return this.#matched(args, dialect)
  }

  #matched(args: readonly unknown[], dialect: Dialect): unknown[] {
    const names = this.#names
    const byObject = args.some(isPlainObject)
    const values: unknown[] = new Array(names.length).fill(null)
    let given = 0
    let object: Record<string, unknown> | undefined
    let next = 0
    const isNamed = (name: string | null | undefined): boolean =>
      typeof name === 'string' && (byObject || !name.startsWith('?'))
    const positional = (value: unknown): void => {
      while (isNamed(names[next])) next += 1
      const bound = boundValue(value, next + 1, dialect)
      if (next >= names.length) throw new RangeError('Too many parameter values were provided')
      values[next] = bound
      next += 1
      given += 1
    }
    for (const arg of args) {
      if (Array.isArray(arg)) {
        for (const value of arg) positional(value)
      } else if (isPlainObject(arg)) {
        if (object !== undefined) {
          throw new TypeError('You cannot specify named parameters in two different objects')
        }
        object = arg
        given += named(names, arg, values, dialect)
      } else {
        if (this.#named && typeof arg === 'object' && arg !== null && bytesOf(arg) === undefined) {
          throw new TypeError('Named parameters can only be passed within plain objects')
        }
        positional(arg)
      }
    }
    if (given < names.length) {
      throw this.#named && object === undefined
        ? new TypeError('Missing named parameters')
        : new RangeError('Too few parameter values were provided')
    }
    return values
  }
}

/** Fills in the parameters that have names; says how many. */
function named(
  names: readonly (string | null)[],
  object: Record<string, unknown>,
  values: unknown[],
  dialect: Dialect,
): number {
  let count = 0
  for (const [index, name] of names.entries()) {
    if (name === null) continue
    const bare = name.slice(1)
    const key = Object.hasOwn(object, bare) || dialect.exact ? bare : name
    if (!Object.hasOwn(object, key)) throw new RangeError(`Missing named parameter "${bare}"`)
    values[index] = boundValue(object[key], bare, dialect)
    count += 1
  }
  return count
}

/** What is handed over as it is, in both dialects. */
function isSimple(value: unknown): boolean {
  const type = typeof value
  return type === 'number' || type === 'string' || value === null
}

/** Whether a bigint fits into 64 bits. */
export function inRange(value: bigint): boolean {
  return value >= INT64_MIN && value <= INT64_MAX
}

/** Whether a value is one of SQLite's. */
export function isBindable(value: unknown, { exact }: Dialect): boolean {
  const type = typeof value
  if (type === 'number' || type === 'string' || type === 'bigint' || value === null) return true
  return ArrayBuffer.isView(value) || (type === 'boolean' && !exact)
}

function boundValue(value: unknown, place: number | string, dialect: Dialect): unknown {
  switch (typeof value) {
    case 'number':
    case 'string':
      return value
    case 'bigint':
      if (inRange(value)) return value
      throw new RangeError('The bound string, buffer, or bigint is too big')
    case 'undefined':
      if (dialect.exact) return null
      break
    case 'boolean':
      if (!dialect.exact) return value ? 1 : 0
      break
    case 'object': {
      if (value === null) return null
      const bytes = dialect.exact && !ArrayBuffer.isView(value) ? undefined : bytesOf(value)
      if (bytes !== undefined) return bytes
    }
  }
  if (dialect.exact) {
    throw new TypeError('SQLite3 can only bind numbers, strings, bigints, buffers, and null')
  }
  throw unbindable(value, place)
}
