/** Arguments of a run into values in the order of a statement's parameters. */

import { invalidArgType, invalidArgValue, invalidState, sqliteCodeError } from './errors.js'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
const SQLITE_RANGE = 25

/** What decides which names fit. */
export interface NamedRules {
  readonly allowBareNamedParameters: boolean
  readonly allowUnknownNamedParameters: boolean
}

/** The parameters of a statement: names with their prefix, `null` for one without. */
export class Parameters {
  readonly #names: readonly (string | null)[]
  /** Whether any has a name that is no number (`?1`). */
  readonly #named: boolean
  #bare: Map<string, string> | undefined

  constructor(names: readonly (string | null)[]) {
    this.#names = names
    this.#named = names.some(isNamed)
  }

  /** The values for the parameters, in order; what is not given is NULL. */
  values(args: readonly unknown[], rules: NamedRules): readonly unknown[] {
    const count = this.#names.length
    if (!this.#named && args.length === count) {
      let index = 0
      while (index < count && isSimple(args[index])) index += 1
      if (index === count) return args
    }
    const values: unknown[] = new Array(count).fill(null)
    const [first] = args
    let at = 0
    if (isNames(first)) {
      this.#fill(values, first, rules)
      at = 1
    }
    for (let parameter = 0; at < args.length; at += 1, parameter += 1) {
      while (isNamed(this.#names[parameter])) parameter += 1
      if (parameter >= count) throw sqliteCodeError(SQLITE_RANGE)
      values[parameter] = bound(args[at], parameter + 1)
    }
    return values
  }

  #fill(values: unknown[], object: Record<string, unknown>, rules: NamedRules): void {
    const bare = rules.allowBareNamedParameters ? this.#bareNames() : undefined
    for (const key of Object.keys(object)) {
      let index = this.#names.indexOf(key)
      if (index < 0 && bare !== undefined) {
        const full = bare.get(key)
        if (full !== undefined) index = this.#names.indexOf(full)
      }
      if (index >= 0) values[index] = bound(object[key], index + 1)
      else if (!rules.allowUnknownNamedParameters) {
        throw invalidState(`Unknown named parameter '${key}'`)
      }
    }
  }

  /** Names by what they are without their prefix, made once. */
  #bareNames(): Map<string, string> {
    if (this.#bare !== undefined) return this.#bare
    const bare = new Map<string, string>()
    for (const name of this.#names) {
      if (name === null) continue
      const known = bare.get(name.slice(1))
      if (known !== undefined && known !== name) {
        throw invalidState(
          `Cannot create bare named parameter '${name.slice(1)}' because of conflicting names '${known}' and '${name}'.`,
        )
      }
      bare.set(name.slice(1), name)
    }
    this.#bare = bare
    return bare
  }
}

function isNamed(name: string | null | undefined): boolean {
  return typeof name === 'string' && !name.startsWith('?')
}

/** Whether the first argument is an object of names: any that is no value itself. */
function isNames(value: unknown): value is Record<string, unknown> {
  if (typeof value === 'function') return true
  return typeof value === 'object' && value !== null && bytesOf(value) === undefined
}

/** What is handed over as it is. */
function isSimple(value: unknown): boolean {
  const type = typeof value
  return type === 'number' || type === 'string' || value === null
}

/** The bytes of a buffer or of a view of one, where it is one. */
export function bytesOf(value: object): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    // Shared memory may change while it is read.
    return value.buffer instanceof ArrayBuffer ? bytes : new Uint8Array(bytes)
  }
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (typeof SharedArrayBuffer !== 'undefined' && value instanceof SharedArrayBuffer) {
    return new Uint8Array(new Uint8Array(value))
  }
  return undefined
}

function bound(value: unknown, parameter: number): unknown {
  switch (typeof value) {
    case 'number':
    case 'string':
    case 'boolean':
      return value
    case 'undefined':
      return null
    case 'bigint':
      if (value >= INT64_MIN && value <= INT64_MAX) return value
      throw invalidArgValue('BigInt value is too large to bind.')
    case 'object': {
      if (value === null) return null
      const bytes = bytesOf(value)
      if (bytes !== undefined) return bytes
    }
  }
  throw invalidArgType(`Provided value cannot be bound to SQLite parameter ${parameter}.`)
}
