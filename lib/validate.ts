/** Checks of arguments and options, each with a message that names the culprit. */

import { Writable } from 'node:stream'
import { describe, isPlainObject } from './encode.js'
import { expectedOfName } from './names.js'
import type {
  BatchOptions,
  BatchStatement,
  CallOptions,
  DatabaseOptions,
  ExportDestination,
  ExportOptions,
  ImportOptions,
  ImportSource,
  ListOptions,
  NamespaceOptions,
  RetentionOptions,
  SerializeOptions,
  StorageExportOptions,
  StorageOptions,
  TransactionBehavior,
  TransactionOptions,
} from './types.js'

/** What an option may be: says what is expected of a value that does not fit. */
type Check = (value: unknown) => string | undefined

const bytes = (min: number): Check => wholeNumber(min, Number.MAX_SAFE_INTEGER, 'a number of bytes')

const string: Check = (value) => (typeof value === 'string' ? undefined : 'a string')
const boolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'a boolean')
const signal: Check = (value) => (value instanceof AbortSignal ? undefined : 'an AbortSignal')

const oneOf =
  (...values: string[]): Check =>
  (value) =>
    values.includes(value as string) ? undefined : values.map((allowed) => `'${allowed}'`).join(' or ')

const logger: Check = (value) => {
  const levels = ['debug', 'info', 'warn', 'error'] as const
  const fits =
    typeof value === 'object' &&
    value !== null &&
    levels.every((level) => typeof (value as Record<string, unknown>)[level] === 'function')
  return fits ? undefined : 'an object with the methods debug, info, warn and error'
}

const pageSize: Check = (value) =>
  typeof value === 'number' && value >= 512 && value <= 65536 && Number.isInteger(Math.log2(value))
    ? undefined
    : 'a power of two from 512 to 65536'

const callback: Check = (value) => (typeof value === 'function' ? undefined : 'a function')

const durability = oneOf('strict', 'gated')
const behavior = oneOf('deferred', 'immediate', 'exclusive')
const milliseconds = wholeNumber(1, 2 ** 31 - 1, 'a number of milliseconds')

function wholeNumber(min: number, max: number, what: string): Check {
  return (value) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `${what}, whole and ${max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`}`
}

const LIMITS: Record<string, Check> = Object.fromEntries(
  [
    'length',
    'sqlLength',
    'column',
    'exprDepth',
    'compoundSelect',
    'vdbeOp',
    'functionArg',
    'likePatternLength',
    'variableNumber',
    'triggerDepth',
  ].map((name) => [name, wholeNumber(0, 2 ** 31 - 1, 'a limit')]),
)

const RETENTION: Record<keyof RetentionOptions, Check> = {
  commits: wholeNumber(0, Number.MAX_SAFE_INTEGER, 'a number of commits'),
  ageMs: wholeNumber(0, Number.MAX_SAFE_INTEGER, 'a number of milliseconds'),
  bytes: bytes(0),
}

/** Below, write buffers would be too small for the store to work well. */
const MEMORY_BYTES_MIN = 16 << 20

const STORAGE: Record<keyof StorageOptions, Check> = {
  store: string,
  namespace: expectedOfName,
  durability,
  cacheBytes: bytes(0),
  memoryBytes: bytes(MEMORY_BYTES_MIN),
  awakeMax: wholeNumber(1, 2 ** 31 - 1, 'a number of databases'),
  quotaBytes: bytes(0),
  namespaceQuotaBytes: bytes(0),
  retention: (value) => {
    if (!isPlainObject(value)) return 'an object'
    checkOptions('retention', value, RETENTION)
    return undefined
  },
  scrubBytesPerSecond: bytes(0),
  logger,
}

const DATABASE: Record<keyof DatabaseOptions, Check> = {
  namespace: expectedOfName,
  durability,
  readonly: boolean,
  create: boolean,
  pageSize,
  cacheBytes: bytes(0),
  integers: oneOf('number', 'bigint', 'auto'),
  foreignKeys: boolean,
  statementCacheSize: wholeNumber(0, 1_000_000, 'a number of statements'),
  queryTimeoutMs: milliseconds,
  transactionTimeoutMs: milliseconds,
  idleTimeoutMs: wholeNumber(0, 2 ** 31 - 1, 'a number of milliseconds, 0 for never'),
  quotaBytes: bytes(0),
  limits: (value) => {
    if (!isPlainObject(value)) return 'an object of limits'
    checkOptions('limits', value, LIMITS)
    return undefined
  },
  logger,
  signal,
}

const {
  idleTimeoutMs: _1,
  transactionTimeoutMs: _2,
  statementCacheSize: _3,
  logger: _4,
  signal: _5,
  ...SYNC
} = DATABASE

const NAMESPACE: Record<keyof NamespaceOptions, Check> = { namespace: expectedOfName }
const LIST: Record<keyof ListOptions, Check> = {
  ...NAMESPACE,
  prefix: expectedOfName,
  after: expectedOfName,
  limit: wholeNumber(1, 10_000, 'a number of names'),
}
const SERIALIZE: Record<keyof SerializeOptions, Check> = { signal }
const EXPORT: Record<keyof ExportOptions, Check> = { overwrite: boolean, signal, onProgress: callback }
const STORAGE_EXPORT: Record<keyof StorageExportOptions, Check> = { ...EXPORT, ...NAMESPACE }
const IMPORT: Record<keyof ImportOptions, Check> = {
  ...NAMESPACE,
  overwrite: boolean,
  signal,
  onProgress: callback,
}
const CALL: Record<keyof CallOptions, Check> = { signal, timeoutMs: milliseconds }
const TRANSACTION: Record<keyof TransactionOptions, Check> = { ...CALL, behavior }
const BATCH: Record<keyof BatchOptions, Check> = { behavior }

function checkOptions(what: string, options: unknown, checks: Record<string, Check>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${what} must be an object, not ${describe(options)}`)
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (check === undefined) {
      throw new TypeError(`${what} has no option "${name}": there are ${Object.keys(checks).join(', ')}`)
    }
    const expected = value === undefined ? undefined : check(value)
    if (expected !== undefined) {
      throw new TypeError(`the option "${name}" must be ${expected}, not ${describe(value)}`)
    }
  }
}

/** Options of `openStorage`. */
export function checkStorageOptions(options: unknown): asserts options is StorageOptions {
  checkOptions('options', options, STORAGE)
  const { store } = options as { store?: unknown }
  if (typeof store !== 'string' || store === '') {
    throw new TypeError(`the option "store" must be the directory of a store, not ${describe(store)}`)
  }
  if (/^[a-z][a-z+.-]+:\/\//i.test(store)) {
    throw new TypeError(`the option "store" must be a directory: ${JSON.stringify(store)} is an address`)
  }
}

/** Options of `storage.open`. */
export function checkDatabaseOptions(options: unknown): asserts options is DatabaseOptions {
  checkOptions('options', options, DATABASE)
}

/** Options of `openDatabaseSync`. */
export function checkSyncOptions(options: unknown): asserts options is DatabaseOptions {
  checkOptions('options', options, SYNC)
}

/** Options that name a namespace alone. */
export function checkNamespaceOptions(options: unknown): asserts options is NamespaceOptions {
  checkOptions('options', options, NAMESPACE)
}

/** Options of `list`. */
export function checkListOptions(options: unknown): asserts options is ListOptions {
  checkOptions('options', options, LIST)
}

/** The name of a namespace. */
export function checkNamespace(namespace: unknown): asserts namespace is string {
  const expected = expectedOfName(namespace)
  if (expected !== undefined) {
    throw new TypeError(`the name of a namespace must be ${expected}, not ${describe(namespace)}`)
  }
}

/** A quota, or `null` for none. */
export function checkQuota(quota: unknown): asserts quota is number | null {
  const expected = quota === null ? undefined : bytes(0)(quota)
  if (expected !== undefined) {
    throw new TypeError(`a quota must be ${expected}, or null for none, not ${describe(quota)}`)
  }
}

/** The name of an actor. */
export function checkActor(actor: unknown): asserts actor is string {
  const expected =
    typeof actor !== 'string' || actor === '' ? 'a string that is not empty' : expectedOfName(actor)
  if (expected !== undefined) {
    throw new TypeError(`the name of an actor must be ${expected}, not ${describe(actor)}`)
  }
}

/** Options of `db.export`. */
export function checkExportOptions(options: unknown): asserts options is ExportOptions {
  checkOptions('options', options, EXPORT)
}

/** Options of `storage.export`. */
export function checkStorageExportOptions(options: unknown): asserts options is StorageExportOptions {
  checkOptions('options', options, STORAGE_EXPORT)
}

/** Options of `storage.import`. */
export function checkImportOptions(options: unknown): asserts options is ImportOptions {
  checkOptions('options', options, IMPORT)
}

/** What is imported. */
export function checkSource(from: unknown): asserts from is ImportSource {
  const isPath =
    (typeof from === 'string' && from !== '') || (from instanceof URL && from.protocol === 'file:')
  const isIterable =
    typeof (from as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] === 'function'
  if (!isPath && !(from instanceof Uint8Array) && !isIterable) {
    throw new TypeError(
      `an import comes from the path of a file, a Uint8Array or an async iterable, not ${describe(from)}`,
    )
  }
}

/** Options of `serialize`. */
export function checkSerializeOptions(options: unknown): asserts options is SerializeOptions {
  checkOptions('options', options, SERIALIZE)
}

/** Where an export goes. */
export function checkDestination(to: unknown): asserts to is ExportDestination {
  const isPath = (typeof to === 'string' && to !== '') || (to instanceof URL && to.protocol === 'file:')
  if (!isPath && !(to instanceof WritableStream) && !(to instanceof Writable)) {
    throw new TypeError(
      `an export goes to the path of a file, a WritableStream or a Writable, not ${describe(to)}`,
    )
  }
}

/** Options of `with`. */
export function checkCallOptions(options: unknown): asserts options is CallOptions {
  checkOptions('options', options, CALL)
}

/** Options of `transaction`. */
export function checkTransactionOptions(options: unknown): asserts options is TransactionOptions {
  checkOptions('options', options, TRANSACTION)
}

/** Options of `batch`; says how the batch's transaction begins. */
export function checkBehavior(options: BatchOptions | undefined): TransactionBehavior {
  if (options === undefined) return 'deferred'
  checkOptions('options', options, BATCH)
  return options.behavior ?? 'deferred'
}

/** SQL text. */
export function checkSql(sql: unknown): asserts sql is string {
  if (typeof sql !== 'string') throw new TypeError(`SQL must be a string, not ${describe(sql)}`)
}

/** A callback of a transaction. */
export function checkCallback(callback: unknown): void {
  if (typeof callback !== 'function') {
    throw new TypeError(`a transaction needs a function, not ${describe(callback)}`)
  }
}

/** The statements of a batch. */
export function checkBatch(statements: unknown): asserts statements is readonly BatchStatement[] {
  if (!Array.isArray(statements)) {
    throw new TypeError(
      `a batch must be an array of statements, or SQL and an array of rows, not ${describe(statements)}`,
    )
  }
  statements.forEach((statement: unknown, index) => {
    if (typeof statement === 'string') return
    const { sql } = (statement ?? {}) as { sql?: unknown }
    if (typeof sql !== 'string') {
      throw new TypeError(
        `statement ${index} of the batch must be a string or { sql, args }, not ${describe(statement)}`,
      )
    }
    for (const name of Object.keys(statement as object)) {
      if (name !== 'sql' && name !== 'args') {
        throw new TypeError(`statement ${index} of the batch has no field "${name}": there are sql, args`)
      }
    }
  })
}

/** The rows of a batch. */
export function checkRows(rows: unknown): void {
  if (!Array.isArray(rows)) throw new TypeError(`the rows of a batch must be an array, not ${describe(rows)}`)
}
