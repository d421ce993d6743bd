/** Errors as Prisma names them. */

import { DriverAdapterError, type MappedError } from '@prisma/driver-adapter-utils'
import { SqliteError, StorageError } from '../errors.js'

const SQLITE_BUSY = 5
const SQLITE_FULL = 13
const PRIMARY_CODE = 0xff

/** The error to throw for one of ours: Prisma's, or the same one if Prisma has no word for it. */
export function mapped(error: unknown): unknown {
  const mapping =
    error instanceof SqliteError
      ? ofSqlite(error)
      : error instanceof StorageError
        ? ofStorage(error)
        : undefined
  if (mapping === undefined) return error
  const { code, message } = error as SqliteError | StorageError
  return new DriverAdapterError({ originalCode: code, originalMessage: message, ...mapping })
}

function ofSqlite(error: SqliteError): MappedError {
  switch (error.code) {
    case 'SQLITE_CONSTRAINT_UNIQUE':
    case 'SQLITE_CONSTRAINT_PRIMARYKEY': {
      const index = /constraint failed: index '(.*)'$/.exec(error.message)?.[1]
      if (index !== undefined) return { kind: 'UniqueConstraintViolation', constraint: { index } }
      const columns = columnsOf(error)
      const table = columns?.[0]?.split('.').slice(0, -1).join('.') || undefined
      return { kind: 'UniqueConstraintViolation', ...constraintOf(columns), table }
    }
    case 'SQLITE_CONSTRAINT_NOTNULL':
      return { kind: 'NullConstraintViolation', ...constraintOf(columnsOf(error)) }
    case 'SQLITE_CONSTRAINT_FOREIGNKEY':
    case 'SQLITE_CONSTRAINT_TRIGGER':
      return { kind: 'ForeignKeyConstraintViolation', constraint: { foreignKey: {} } }
    default:
      return (error.errno & PRIMARY_CODE) === SQLITE_BUSY ? { kind: 'SocketTimeout' } : ofText(error)
  }
}

/** What a constraint's message names: `UNIQUE constraint failed: user.name, user.town`. */
function columnsOf({ message }: SqliteError): string[] | undefined {
  return message.split('constraint failed: ').at(1)?.split(', ')
}

function constraintOf(columns: string[] | undefined): { constraint?: { fields: string[] } } {
  return columns === undefined
    ? {}
    : { constraint: { fields: columns.map((it) => it.split('.').at(-1) ?? it) } }
}

/** SQLite has one code for all of these, and what is missing is in the message alone. */
function ofText({ message, errno }: SqliteError): MappedError {
  const table = /^no such table: (.*)$/s.exec(message)?.[1]
  if (table !== undefined) return { kind: 'TableDoesNotExist', table }
  const column = /(?:^no such column: |has no column named )(.*)$/s.exec(message)?.[1]
  if (column !== undefined) return { kind: 'ColumnNotFound', column }
  return { kind: 'sqlite', extendedCode: errno, message }
}

function ofStorage({ code, message }: StorageError): MappedError | undefined {
  switch (code) {
    case 'ERR_TIMEOUT':
      return { kind: 'SocketTimeout' }
    case 'ERR_TRANSACTION_OVER':
      return { kind: 'TransactionAlreadyClosed', cause: message }
    case 'ERR_CLOSED':
      return { kind: 'ConnectionClosed' }
    case 'ERR_FENCED':
    case 'ERR_UNAVAILABLE':
      return { kind: 'DatabaseNotReachable' }
    case 'ERR_NOT_FOUND':
      return { kind: 'DatabaseDoesNotExist' }
    case 'ERR_QUOTA':
    case 'ERR_STORE_FULL':
      return { kind: 'sqlite', extendedCode: SQLITE_FULL, message }
    default:
      return undefined
  }
}
