/** Functions of the program's that SQL can call. They run on this thread, while a statement runs. */

import { connectionHandle } from '../connection.js'
import { native } from '../native.js'
import { bytesOf } from './bind.js'
import { invalidArgType, sqliteError } from './errors.js'
import { booleanOption, functionOption, optionsObject, requireString } from './options.js'
import { INTEGERS_AUTO, INTEGERS_BIGINT, tooLarge } from './rows.js'
import { calling, type NodeState } from './state.js'

const SQLITE_ERROR = 1

type AnyFunction = (...values: unknown[]) => unknown

/** What the addon asks for, by its numbers. */
const Op = { call: 0, step: 1, inverse: 2, value: 3, final: 4 } as const

/** Answered for a call that has thrown. */
const failed = Symbol('failed')

interface Registration {
  readonly name: string
  readonly arguments: number
  readonly aggregate: boolean
  readonly window: boolean
  readonly deterministic: boolean
  readonly directOnly: boolean
}

/** The functions of databases. The addon must not keep them, as one may lead to its database. */
const functions = new WeakMap<object, Run[]>()

type Run = (op: number, aggregate: number, values: unknown[]) => unknown

function register(
  database: object,
  state: NodeState,
  registration: Registration,
  useBigIntArguments: boolean,
  run: Run,
): void {
  const kept = functions.get(database) ?? []
  functions.set(database, [...kept, run])
  const weak = new WeakRef(run)
  const callback: Run = (op, aggregate, values) => {
    try {
      if (!useBigIntArguments)
        for (const value of values) if (typeof value === 'bigint') throw tooLarge(value)
      return answerOf(weak.deref()?.(op, aggregate, values.map(plain)))
    } catch (error) {
      state.thrown ??= { error }
      return failed
    }
  }
  const integers = useBigIntArguments ? INTEGERS_BIGINT : INTEGERS_AUTO
  calling(state, () =>
    native.syncFunction(connectionHandle, state.handle, { ...registration, integers }, callback),
  )
}

/** Blobs come as `Buffer`s, and are bytes here. */
function plain(value: unknown): unknown {
  return Buffer.isBuffer(value) ? new Uint8Array(value) : value
}

/** What a function answered, checked. */
function answerOf(value: unknown): unknown {
  switch (typeof value) {
    case 'undefined':
      return null
    case 'number':
    case 'string':
      return value
    case 'bigint':
      if (value === BigInt.asIntN(64, value)) return value
      throw sqliteError('BigInt value is too large for SQLite', SQLITE_ERROR)
    case 'object': {
      if (value === null) return null
      const bytes = bytesOf(value)
      if (bytes !== undefined) return bytes
      if (value instanceof Promise) {
        throw sqliteError('Asynchronous user-defined functions are not supported', SQLITE_ERROR)
      }
    }
  }
  throw sqliteError('Returned JavaScript value cannot be converted to a SQLite value', SQLITE_ERROR)
}

/** Registers a function; the options may be left out. */
export function defineFunction(database: object, state: NodeState, ...given: readonly unknown[]): void {
  const name = requireString(given[0], 'name')
  const options = given.length < 3 ? {} : optionsObject(given[1])
  const useBigIntArguments = booleanOption(options, 'useBigIntArguments', false)
  const varargs = booleanOption(options, 'varargs', false)
  const deterministic = booleanOption(options, 'deterministic', false)
  const directOnly = booleanOption(options, 'directOnly', false)
  const work = given.length < 3 ? given[1] : given[2]
  if (typeof work !== 'function') throw invalidArgType('The "function" argument must be a function.')
  const count = varargs ? -1 : work.length
  const registration = { name, arguments: count, aggregate: false, window: false, deterministic, directOnly }
  const run: Run = (_op, _aggregate, values) => (work as AnyFunction)(...values)
  register(database, state, registration, useBigIntArguments, run)
}

/** Registers an aggregate. */
export function defineAggregate(database: object, state: NodeState, ...given: readonly unknown[]): void {
  const name = requireString(given[0], 'name')
  const options = optionsObject(given[1])
  const start = options['start']
  if (start === undefined) {
    throw invalidArgType('The "options.start" argument must be a function or a primitive value.')
  }
  const step = functionOption(options, 'step') as AnyFunction | undefined
  if (step === undefined) throw invalidArgType('The "options.step" argument must be a function.')
  const result = options['result']
  const useBigIntArguments = booleanOption(options, 'useBigIntArguments', false)
  const varargs = booleanOption(options, 'varargs', false)
  const directOnly = booleanOption(options, 'directOnly', false)
  const inverse = functionOption(options, 'inverse') as AnyFunction | undefined
  const declared = Math.max(step.length, inverse?.length ?? 0)
  // The first one is the total.
  const count = varargs ? -1 : Math.max(declared - 1, 0)
  const facts = { name, arguments: count, aggregate: true, window: inverse !== undefined }
  const tell = typeof result === 'function' ? (result as AnyFunction) : undefined
  const run = aggregateOf(state, { start, step, inverse, tell })
  register(database, state, { ...facts, deterministic: false, directOnly }, useBigIntArguments, run)
}

interface Aggregate {
  readonly start: unknown
  readonly step: AnyFunction
  readonly inverse: AnyFunction | undefined
  readonly tell: AnyFunction | undefined
}

function aggregateOf(state: NodeState, { start, step, inverse, tell }: Aggregate): Run {
  const totals = new Map<number, unknown>()
  /** Those that were asked while they moved: SQLite drops the answer of their end. */
  const windows = new Set<number>()
  const total = (aggregate: number): unknown => {
    if (totals.has(aggregate)) return totals.get(aggregate)
    return typeof start === 'function' ? (start as AnyFunction)() : start
  }
  const answer = (aggregate: number): unknown =>
    tell === undefined ? total(aggregate) : tell(total(aggregate))
  const end = (aggregate: number): unknown => {
    try {
      // A statement that failed asks for the end of its aggregates all the same.
      return state.thrown !== undefined || windows.has(aggregate) ? null : answer(aggregate)
    } finally {
      windows.delete(aggregate)
      totals.delete(aggregate)
    }
  }
  return (op, aggregate, values) => {
    if (op === Op.final) return end(aggregate)
    if (state.thrown !== undefined) return null
    if (op === Op.value) {
      windows.add(aggregate)
      return answer(aggregate)
    }
    const work = op === Op.inverse && inverse !== undefined ? inverse : step
    totals.set(aggregate, work(total(aggregate), ...values))
    return null
  }
}
