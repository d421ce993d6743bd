/** Functions of JavaScript that SQL can call. They run on this thread, while a statement runs. */

import { connectionHandle } from '../connection.js'
import { native } from '../native.js'
import { inRange, isBindable } from './bind.js'
import { booleanOption } from './options.js'
import { calling, Mode, type SyncState } from './state.js'

/** How a function is registered. */
export interface FunctionOptionsSync {
  /** Takes any number of arguments, instead of as many as the function declares. */
  readonly varargs?: boolean
  /** The same arguments always give the same answer: indexes may use it. */
  readonly deterministic?: boolean
  /** Not to be called by what the schema says: views, triggers, constraints. */
  readonly directOnly?: boolean
  /** INTEGER arguments come as bigints. */
  readonly safeIntegers?: boolean
}

/** An aggregate: `step` takes each row in, `result` tells what came of them. */
export interface AggregateOptionsSync<T> extends FunctionOptionsSync {
  /** What an aggregate begins with, or a function that makes it. Default: `null`. */
  readonly start?: T | (() => T)
  /** Takes a row; what it returns goes on, unless that is `undefined`. */
  // biome-ignore lint/suspicious/noExplicitAny: any other type would refuse callers' own functions
  readonly step: (total: T, ...values: any[]) => unknown
  /** Takes a row out again: makes it a window function. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly inverse?: (total: T, ...values: any[]) => unknown
  /** The answer. Default: the total itself. */
  readonly result?: (total: T) => unknown
}

type AnyFunction = (...values: unknown[]) => unknown

const ARGUMENTS_MAX = 100

/** Answered for a call that has thrown. */
const failed = Symbol('failed')

const Op = { call: 0, step: 1, inverse: 2, value: 3, final: 4 } as const

interface Registration {
  readonly name: string
  readonly arguments: number
  readonly aggregate: boolean
  readonly window: boolean
  readonly options: object
}

function register(
  state: SyncState,
  registration: Registration,
  run: (op: number, aggregate: number, values: unknown[]) => unknown,
): void {
  const { options, ...rest } = registration
  const safe = 'safeIntegers' in options ? booleanOption(options, 'safeIntegers') : state.safeIntegers
  const settings = {
    ...rest,
    deterministic: booleanOption(options, 'deterministic'),
    directOnly: booleanOption(options, 'directOnly'),
    integers: safe ? Mode.bigint : state.dialect.exact ? Mode.rounded : Mode.auto,
  }
  const callback = (op: number, aggregate: number, values: unknown[]): unknown => {
    try {
      return answerOf(registration.name, run(op, aggregate, values), state)
    } catch (error) {
      state.thrown ??= { error }
      return failed
    }
  }
  calling(state, () => native.syncFunction(connectionHandle, state.handle, settings, callback))
}

/** Checks what a function answers. */
function answerOf(name: string, value: unknown, state: SyncState): unknown {
  if (typeof value === 'bigint' && !inRange(value)) {
    throw new RangeError(`User-defined function ${name}() returned a bigint that was too big`)
  }
  if (value === undefined || isBindable(value, state.dialect)) return value
  throw new TypeError(`User-defined function ${name}() returned an invalid value`)
}

function checkName(name: unknown): asserts name is string {
  if (typeof name !== 'string') throw new TypeError('Expected first argument to be a string')
}

function countOf(lengths: readonly unknown[], varargs: boolean, less: number): number {
  if (varargs) return -1
  if (!lengths.every((length) => Number.isInteger(length) && (length as number) >= 0)) {
    throw new TypeError('Expected function.length to be a positive integer')
  }
  const count = Math.max(...(lengths as number[]))
  const own = count > 0 ? count - less : 0
  if (own > ARGUMENTS_MAX) throw new RangeError('User-defined functions cannot have more than 100 arguments')
  return own
}

/** Registers a function; the options may be left out. */
export function defineFunction(state: SyncState, name: unknown, given: unknown, second: unknown): void {
  const short = typeof given === 'function'
  const options: unknown = short ? {} : (given ?? {})
  const work: unknown = short ? given : second
  checkName(name)
  if (typeof work !== 'function') throw new TypeError('Expected last argument to be a function')
  if (typeof options !== 'object') throw new TypeError('Expected second argument to be an options object')
  if (name === '') throw new TypeError('User-defined function name cannot be an empty string')
  const count = countOf([work.length], booleanOption(options as object, 'varargs'), 0)
  const facts = { name, arguments: count, aggregate: false, window: false, options: options as object }
  register(state, facts, (_op, _aggregate, values) => (work as AnyFunction)(...values))
}

/** Registers an aggregate. */
export function defineAggregate(state: SyncState, name: unknown, given: unknown): void {
  checkName(name)
  if (typeof given !== 'object' || given === null) {
    throw new TypeError('Expected second argument to be an options object')
  }
  if (name === '') throw new TypeError('User-defined function name cannot be an empty string')
  const options = given as Record<string, unknown>
  const start = 'start' in options ? options['start'] : null
  const step = functionOption(options, 'step')
  if (step === undefined) throw new TypeError('Missing required option "step"')
  const inverse = functionOption(options, 'inverse')
  const result = functionOption(options, 'result')
  const lengths = inverse === undefined ? [step.length] : [step.length, inverse.length]
  const count = countOf(lengths, booleanOption(options, 'varargs'), 1)
  const totals = new Map<number, unknown>()
  /** Those that were asked while they moved: SQLite drops the answer of their end. */
  const windows = new Set<number>()
  const total = (aggregate: number): unknown => {
    if (totals.has(aggregate)) return totals.get(aggregate)
    return typeof start === 'function' ? (start as AnyFunction)() : start
  }
  const take = (work: AnyFunction, aggregate: number, values: unknown[]): null => {
    const before = total(aggregate)
    const after = work(before, ...values)
    totals.set(aggregate, after === undefined ? before : after)
    return null
  }
  const tell = (aggregate: number): unknown => {
    const value = total(aggregate)
    return result === undefined ? value : result(value)
  }
  const facts = { name, arguments: count, aggregate: true, window: inverse !== undefined, options }
  register(state, facts, (op, aggregate, values) => {
    // A statement that failed asks for the end of its aggregates all the same.
    if (state.thrown !== undefined) {
      if (op === Op.final) {
        windows.delete(aggregate)
        totals.delete(aggregate)
      }
      return null
    }
    if (op === Op.step) return take(step, aggregate, values)
    if (op === Op.inverse && inverse !== undefined) return take(inverse, aggregate, values)
    if (op === Op.value) {
      windows.add(aggregate)
      return tell(aggregate)
    }
    try {
      return windows.delete(aggregate) ? null : tell(aggregate)
    } finally {
      totals.delete(aggregate)
    }
  })
}

function functionOption(options: Record<string, unknown>, name: string): AnyFunction | undefined {
  const value = name in options ? options[name] : undefined
  if (typeof value === 'function') return value as AnyFunction
  if (value !== undefined && value !== null) {
    throw new TypeError(`Expected the "${name}" option to be a function`)
  }
  return undefined
}
