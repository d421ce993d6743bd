/**
 * Commands on their way to the addon. All commands of one tick are written into one buffer of
 * 64-bit words; texts and blobs stand in an array beside it. Layout: crates/node/src/decode.rs.
 */

import type { BatchStatement, IntegerMode, NamedParameters, SqlInput, TransactionBehavior } from './types.js'

export const Opcode = {
  execute: 1,
  script: 2,
  batch: 3,
  prepare: 4,
  finalize: 5,
  fetch: 6,
  closeCursor: 7,
  begin: 8,
  commit: 9,
  rollback: 10,
  durable: 11,
  close: 12,
} as const

export const Want = { run: 0, first: 1, all: 2, chunk: 3 } as const

const INTEGER_MODES: Record<IntegerMode, number> = { number: 0, bigint: 1, auto: 2 }
const BEHAVIORS: Record<TransactionBehavior, number> = { deferred: 0, immediate: 1, exclusive: 2 }

const Tag = { null: 0, integer: 1, real: 2, bits: 3, text: 4, blob: 5 } as const

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** A number that binds as REAL even where it is whole, for interfaces that have it so. */
export class Real {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** SQL text, or the id of a prepared statement. */
export type Source = string | number

/** A buffer that is written, handed over and written again. */
export class CommandBuffer {
  words: Float64Array
  #bits: BigInt64Array
  length = 0
  objects: unknown[] = []
  /** Whose commands these are. */
  requests: number[] = []
  /** A blob is in the buffer: it must be handed over before its owner can change it. */
  hasBlob = false

  constructor(capacity = 1024) {
    this.words = new Float64Array(capacity)
    this.#bits = new BigInt64Array(this.words.buffer)
  }

  clear(): void {
    this.length = 0
    this.objects = []
    this.requests = []
    this.hasBlob = false
  }

  word(value: number): void {
    if (this.length === this.words.length) this.#grow()
    this.words[this.length++] = value
  }

  #grow(): void {
    const words = new Float64Array(this.words.length * 2)
    words.set(this.words)
    this.words = words
    this.#bits = new BigInt64Array(words.buffer)
  }

  head(
    database: number,
    request: number,
    opcode: number,
    transaction: number,
    timeoutMs: number,
    integers: IntegerMode,
  ): void {
    this.word(database)
    this.word(request)
    this.word(opcode)
    this.word(transaction)
    this.word(timeoutMs)
    this.word(INTEGER_MODES[integers])
  }

  execute(source: Source, want: number, rowsMax: number, args: readonly unknown[]): void {
    if (typeof source === 'number') {
      this.word(source)
    } else {
      this.word(0)
      this.objects.push(source)
    }
    this.word(want)
    if (want === Want.chunk) this.word(rowsMax)
    this.args(args)
  }

  text(text: string): void {
    this.objects.push(text)
  }

  behavior(behavior: TransactionBehavior): void {
    this.word(BEHAVIORS[behavior])
  }

  batch(statements: readonly BatchStatement[], behavior: TransactionBehavior): void {
    this.behavior(behavior)
    this.word(statements.length)
    for (const statement of statements) {
      const { sql, args = [] } = typeof statement === 'string' ? { sql: statement } : statement
      this.text(sql)
      this.word(1)
      this.parameters(args)
    }
  }

  rows(
    sql: string,
    rows: readonly (readonly SqlInput[] | NamedParameters)[],
    behavior: TransactionBehavior,
  ): void {
    this.behavior(behavior)
    this.word(1)
    this.text(sql)
    this.word(rows.length)
    for (const row of rows) this.parameters(row)
  }

  /** The parameters as a caller gives them after the SQL text. */
  args(args: readonly unknown[]): void {
    if (args.length === 1) {
      const only = args[0]
      if (Array.isArray(only) || isPlainObject(only)) {
        this.parameters(only)
        return
      }
    }
    this.#positional(args)
  }

  /** One array, or one plain object. */
  parameters(parameters: unknown): void {
    if (Array.isArray(parameters)) this.#positional(parameters)
    else if (isPlainObject(parameters)) this.#named(parameters)
    else throw new TypeError(`parameters must be an array or a plain object, not ${describe(parameters)}`)
  }

  #positional(values: readonly unknown[]): void {
    const count = values.length
    if (count === 0) {
      this.word(0)
      return
    }
    this.word(1)
    this.word(count)
    for (let index = 0; index < count; index += 1) this.#value(values[index], index + 1)
  }

  #named(values: Record<string, unknown>): void {
    const names = Object.keys(values)
    this.word(2)
    this.word(names.length)
    for (const name of names) {
      this.objects.push(name)
      this.#value(values[name], name)
    }
  }

  #value(value: unknown, place: number | string): void {
    switch (typeof value) {
      case 'number':
        // -0 is kept apart: as an integer it would lose its sign.
        this.word(Number.isSafeInteger(value) && !Object.is(value, -0) ? Tag.integer : Tag.real)
        this.word(value)
        return
      case 'string':
        this.word(Tag.text)
        this.objects.push(value)
        return
      case 'bigint':
        this.#bigint(value, place)
        return
      case 'boolean':
        this.word(Tag.integer)
        this.word(value ? 1 : 0)
        return
      case 'object':
        if (value === null) {
          this.word(Tag.null)
        } else if (value instanceof Real) {
          this.word(Tag.real)
          this.word(value.value)
        } else {
          this.#blob(value, place)
        }
        return
      default:
        throw unbindable(value, place)
    }
  }

  #bigint(value: bigint, place: number | string): void {
    if (value < INT64_MIN || value > INT64_MAX) {
      throw new RangeError(`parameter ${name(place)} does not fit into 64 bits: ${value}n`)
    }
    this.word(Tag.bits)
    this.word(0)
    this.#bits[this.length - 1] = value
  }

  #blob(value: object, place: number | string): void {
    const bytes = bytesOf(value)
    if (bytes === undefined) throw unbindable(value, place)
    this.word(Tag.blob)
    this.objects.push(bytes)
    this.hasBlob = true
  }
}

/** The bytes of a view or a buffer; nothing for any other object. */
export function bytesOf(value: object): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  const type = Object.prototype.toString.call(value)
  if (type === '[object ArrayBuffer]' || type === '[object SharedArrayBuffer]') {
    try {
      return new Uint8Array(value as ArrayBuffer)
    } catch {
      return undefined
    }
  }
  return undefined
}

/** Object literals, and objects without prototype: those alone can be named parameters. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return true
  // An object literal of another realm, a vm context say.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'hasOwnProperty')
}

/** The error for a value that does not bind. */
export function unbindable(value: unknown, place: number | string): TypeError {
  let hint = ''
  if (value === undefined) hint = ': pass null for NULL'
  else if (Object.prototype.toString.call(value) === '[object Date]') {
    hint = ': pass date.getTime() or date.toISOString()'
  } else if (Array.isArray(value)) hint = ': pass its values one by one, or JSON.stringify(array)'
  else if (isPlainObject(value)) hint = ': named parameters are one plain object alone'
  return new TypeError(`parameter ${name(place)} cannot be bound, it is ${describe(value)}${hint}`)
}

function name(place: number | string): string {
  return typeof place === 'number' ? String(place) : JSON.stringify(place)
}

/** What a value is, for error messages. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'object') {
    if (Array.isArray(value)) return 'an array'
    const type = Object.prototype.toString.call(value).slice(8, -1)
    return type === 'Object' ? 'an object' : `a ${type}`
  }
  if (typeof value === 'string')
    return `the string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`
  return `a ${typeof value}`
}
