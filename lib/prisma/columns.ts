/** The types of columns as Prisma names them, and values as it reads and sends them. */

import { type ArgType, type ColumnType, ColumnTypeEnum } from '@prisma/driver-adapter-utils'
import type { SqlValue } from '../types.js'

/** How dates are stored. */
export type TimestampFormat = 'iso8601' | 'unixepoch-ms'

const BY_DECLARED_TYPE: Readonly<Record<string, ColumnType>> = {
  DECIMAL: ColumnTypeEnum.Numeric,
  FLOAT: ColumnTypeEnum.Float,
  DOUBLE: ColumnTypeEnum.Double,
  'DOUBLE PRECISION': ColumnTypeEnum.Double,
  NUMERIC: ColumnTypeEnum.Double,
  REAL: ColumnTypeEnum.Double,
  TINYINT: ColumnTypeEnum.Int32,
  SMALLINT: ColumnTypeEnum.Int32,
  MEDIUMINT: ColumnTypeEnum.Int32,
  INT: ColumnTypeEnum.Int32,
  INTEGER: ColumnTypeEnum.Int32,
  SERIAL: ColumnTypeEnum.Int32,
  INT2: ColumnTypeEnum.Int32,
  BIGINT: ColumnTypeEnum.Int64,
  'UNSIGNED BIG INT': ColumnTypeEnum.Int64,
  INT8: ColumnTypeEnum.Int64,
  DATETIME: ColumnTypeEnum.DateTime,
  TIMESTAMP: ColumnTypeEnum.DateTime,
  TIME: ColumnTypeEnum.Time,
  DATE: ColumnTypeEnum.Date,
  TEXT: ColumnTypeEnum.Text,
  CLOB: ColumnTypeEnum.Text,
  CHARACTER: ColumnTypeEnum.Text,
  VARCHAR: ColumnTypeEnum.Text,
  'VARYING CHARACTER': ColumnTypeEnum.Text,
  NCHAR: ColumnTypeEnum.Text,
  'NATIVE CHARACTER': ColumnTypeEnum.Text,
  NVARCHAR: ColumnTypeEnum.Text,
  BLOB: ColumnTypeEnum.Bytes,
  BOOLEAN: ColumnTypeEnum.Boolean,
  JSONB: ColumnTypeEnum.Json,
}

/** The type of each column: the declared one, else that of its first value. */
export function columnTypes(declared: readonly (string | null)[], rows: readonly SqlValue[][]): ColumnType[] {
  return declared.map((type, column) => {
    // Without a length: VARCHAR(20) is VARCHAR.
    const name = type?.replace(/\s*\(.*$/, '').toUpperCase() ?? ''
    const known = Object.hasOwn(BY_DECLARED_TYPE, name) ? BY_DECLARED_TYPE[name] : undefined
    return known ?? typeOfValue(rows.find((row) => row[column] !== null)?.[column] ?? null)
  })
}

function typeOfValue(value: SqlValue): ColumnType {
  switch (typeof value) {
    case 'string':
      return ColumnTypeEnum.Text
    case 'bigint':
      return ColumnTypeEnum.Int64
    case 'number':
      return ColumnTypeEnum.UnknownNumber
    default:
      return value === null ? ColumnTypeEnum.Int32 : ColumnTypeEnum.Bytes
  }
}

/** A row as Prisma reads it. INTEGER values come as bigints, so that REAL ones can be told from them. */
export function rowOf(row: readonly SqlValue[], types: readonly ColumnType[]): unknown[] {
  return row.map((value, column) => cellOf(value, types[column] as ColumnType))
}

function cellOf(value: SqlValue, type: ColumnType): unknown {
  if (typeof value !== 'number' && typeof value !== 'bigint') return value
  if (type === ColumnTypeEnum.DateTime) return new Date(Number(value)).toISOString()
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value.toString()
  }
  const isInteger = type === ColumnTypeEnum.Int32 || type === ColumnTypeEnum.Int64
  return isInteger ? Math.trunc(value) : value
}

/** An argument as it is bound. */
export function argumentOf(value: unknown, type: ArgType | undefined, format: TimestampFormat): unknown {
  if (value === undefined) return null
  if (value instanceof Date) return dateOf(value, format)
  if (typeof value !== 'string') return value
  switch (type?.scalarType) {
    case 'int':
      return Number.parseInt(value, 10)
    case 'float':
    case 'decimal':
      return Number.parseFloat(value)
    case 'bigint':
      return BigInt(value)
    case 'datetime':
      return dateOf(new Date(value), format)
    case 'bytes':
      return Buffer.from(value, 'base64')
    default:
      return value
  }
}

function dateOf(date: Date, format: TimestampFormat): number | string {
  return format === 'unixepoch-ms' ? date.getTime() : date.toISOString().replace('Z', '+00:00')
}
