/** Values on their way in, and rows on their way out, as @libsql/client has them. */

import type { InArgs, InStatement, IntMode, InValue, ResultSet, Row, Value } from '@libsql/core/api'
import { describe, Real } from '../encode.js'
import type { Shape } from '../rows.js'
import type { IntegerMode, ResultSet as OwnResultSet, RunResult, SqlInput, SqlValue } from '../types.js'

/** A statement as callers give it. */
export type Statement = InStatement | [string, InArgs?]

/** A statement with its arguments converted. */
export interface Converted {
  readonly sql: string
  /** As the calls of a database take them after the text; of a batch the first is all of them. */
  readonly args: readonly [readonly SqlInput[] | Record<string, SqlInput>] | readonly []
}

const INTEGER_MIN = -(2n ** 63n)
const INTEGER_MAX = 2n ** 63n - 1n

/** How a database has to give integers so that they can be had in a mode. */
export const INTEGERS: Record<IntMode, IntegerMode> = { number: 'auto', bigint: 'bigint', string: 'bigint' }

/** Converts a statement as callers give it. */
export function converted(statement: Statement, mode: IntMode): Converted {
  if (typeof statement === 'string') return { sql: statement, args: [] }
  if (Array.isArray(statement)) return { sql: statement[0], args: argsOf(statement[1], mode) }
  if (typeof statement !== 'object' || statement === null || typeof statement.sql !== 'string') {
    throw new TypeError(`a statement must be a string or { sql, args }, not ${describe(statement)}`)
  }
  return { sql: statement.sql, args: argsOf(statement.args, mode) }
}

function argsOf(args: InArgs | undefined, mode: IntMode): Converted['args'] {
  if (args === undefined || args === null) return []
  if (Array.isArray(args)) return args.length === 0 ? [] : [args.map((value) => input(value, mode))]
  const named: Record<string, SqlInput> = Object.create(null)
  for (const [name, value] of Object.entries(args)) {
    named[/^[:@$]/.test(name) ? name.slice(1) : name] = input(value, mode)
  }
  return [named]
}

function input(value: InValue, mode: IntMode): SqlInput {
  if (typeof value === 'number') return real(value)
  if (typeof value === 'bigint') {
    if (value >= INTEGER_MIN && value <= INTEGER_MAX) return value
    throw new RangeError('bigint is too large to be represented as a 64-bit integer and passed as argument')
  }
  if (typeof value === 'boolean') {
    if (mode === 'bigint') return value ? 1n : 0n
    return mode === 'string' ? String(Number(value)) : real(Number(value))
  }
  if (value instanceof Date) return real(value.valueOf())
  if (value === undefined) throw new TypeError('undefined cannot be passed as argument to the database')
  return value
}

/** A number as REAL, which is what @libsql/client binds numbers as: `5 / 2` is 2.5 with parameters. */
function real(value: number): SqlInput {
  if (Number.isFinite(value)) return new Real(value) as never
  throw new RangeError('Only finite numbers (not Infinity or NaN) can be passed as arguments')
}

function output(value: SqlValue, mode: IntMode): Value {
  if (typeof value === 'bigint') {
    if (mode === 'number') {
      throw new RangeError('Received integer which cannot be safely represented as a JavaScript number')
    }
    return mode === 'string' ? String(value) : value
  }
  return value instanceof Uint8Array ? bufferOf(value) : value
}

/** The bytes alone: the blobs of a result share one buffer. */
function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  if (byteLength === buffer.byteLength) return buffer as ArrayBuffer
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
}

/** A row: named columns as properties, and beside them its length and its values by number. */
function rowOf(columns: readonly string[], values: readonly SqlValue[], mode: IntMode): Row {
  const row = {} as Row
  Object.defineProperty(row, 'length', { value: values.length })
  values.forEach((stored, index) => {
    const value = output(stored, mode)
    Object.defineProperty(row, index, { value })
    const column = columns[index] as string
    // Of columns with the same name the first one has it.
    if (Object.hasOwn(row, column)) return
    Object.defineProperty(row, column, { value, enumerable: true, configurable: true, writable: true })
  })
  return row
}

class ResultSetImpl implements ResultSet {
  readonly columns: string[]
  readonly columnTypes: string[]
  readonly rows: Row[]
  readonly rowsAffected: number
  readonly lastInsertRowid: bigint | undefined

  constructor(
    shape: Pick<Shape, 'names' | 'types'> | undefined,
    values: readonly SqlValue[][],
    changes: RunResult | undefined,
    mode: IntMode,
  ) {
    this.columns = shape === undefined ? [] : [...shape.names]
    this.columnTypes = shape === undefined ? [] : shape.types.map((type) => type ?? '')
    this.rows = values.map((row) => rowOf(this.columns, row, mode))
    this.rowsAffected = changes?.changes ?? 0
    this.lastInsertRowid = changes === undefined ? undefined : BigInt(changes.lastInsertRowid)
  }

  toJSON(): unknown {
    const { columns, columnTypes, rowsAffected, lastInsertRowid } = this
    const rows = this.rows.map((row) => Array.from(row as ArrayLike<Value>, json))
    return { columns, columnTypes, rows, rowsAffected, lastInsertRowid: lastInsertRowid?.toString() ?? null }
  }
}

function json(value: Value): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof ArrayBuffer ? Buffer.from(value).toString('base64') : value
}

/** The result of one statement. */
export function resultSet(
  { shape, rows, changes }: { shape: Shape | undefined; rows: SqlValue[][]; changes: RunResult | undefined },
  mode: IntMode,
): ResultSet {
  return new ResultSetImpl(shape, rows, changes, mode)
}

/** The result of one statement of a batch. */
export function batchResultSet(result: OwnResultSet, mode: IntMode): ResultSet {
  const { columns, columnTypes, rows, rowsAffected, lastInsertRowid } = result
  if (columns.length > 0)
    return new ResultSetImpl({ names: columns, types: columnTypes }, rows, undefined, mode)
  return new ResultSetImpl(undefined, [], { changes: rowsAffected, lastInsertRowid }, mode)
}
