/** How commands fail: what is said, and the exit code. */

import { SqliteError, StorageError } from '../errors.js'

/** Exit codes, for scripts. */
export const Exit = {
  ok: 0,
  /** It did not work, or something is damaged. */
  failed: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** There is no such store, actor, table or file. */
  notFound: 3,
  /** Another process holds the store. */
  inUse: 4,
  /** SQLite refused: bad SQL, a constraint. */
  sql: 5,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const

/** A failure that is said in one line, without a stack. */
export class CliError extends Error {
  readonly exit: number
  /** A line of advice below the message. */
  readonly hint: string | undefined

  constructor(message: string, exit: number = Exit.failed, hint?: string) {
    super(message)
    this.exit = exit
    this.hint = hint
  }
}

/** The command line is wrong. */
export const usage = (message: string, hint?: string): CliError => new CliError(message, Exit.usage, hint)

/** Whoever read standard output has gone: nothing more is to be said. */
export class BrokenPipe extends Error {}

/** The running command was given up by Ctrl-C. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted')
  }
}

/** An error of a statement of a script, with the place of the statement. */
export class StatementFailure extends Error {
  override readonly cause: unknown
  readonly sql: string
  readonly line: number

  constructor(cause: unknown, sql: string, line: number) {
    super(cause instanceof Error ? cause.message : String(cause))
    this.cause = cause
    this.sql = sql
    this.line = line
  }
}

/** The exit code of an error. */
export function exitCode(error: unknown): number {
  if (error instanceof StatementFailure) return exitCode(error.cause)
  if (error instanceof CliError) return error.exit
  if (error instanceof BrokenPipe) return Exit.ok
  if (error instanceof Interrupted) return Exit.interrupted
  if (error instanceof SqliteError) return Exit.sql
  if (error instanceof StorageError) {
    if (error.code === 'ERR_NOT_FOUND') return Exit.notFound
    return error.code === 'ERR_IN_USE' ? Exit.inUse : Exit.failed
  }
  const { code } = (error ?? {}) as { code?: unknown }
  if (code === 'ENOENT' || code === 'ENOTDIR') return Exit.notFound
  // What the library refuses by its type came from the command line.
  return error instanceof TypeError || error instanceof RangeError ? Exit.usage : Exit.failed
}

/** The excerpt of a statement around a byte offset, with a mark below it, as the sqlite3 shell shows it. */
function excerpt(sql: string, offset: number): string[] {
  const before = Buffer.from(sql, 'utf8').subarray(0, offset).toString('utf8')
  const start = Math.max(before.lastIndexOf('\n') + 1, before.length - 40)
  const rest = sql.slice(before.length).split('\n')[0]?.slice(0, 38) ?? ''
  const head = before.slice(start)
  return [`  ${head}${rest}`, `  ${' '.repeat([...head].length)}^`]
}

/** What is said of an error, in lines. */
export function explain(error: unknown): string[] {
  if (error instanceof StatementFailure) {
    const [first, ...more] = explain(error.cause)
    const { cause } = error
    const offset = cause instanceof SqliteError ? cause.offset : -1
    return [`line ${error.line}: ${first}`, ...(offset >= 0 ? excerpt(error.sql, offset) : []), ...more]
  }
  if (error instanceof CliError)
    return error.hint === undefined ? [error.message] : [error.message, error.hint]
  if (error instanceof StorageError && error.code === 'ERR_IN_USE') {
    const holder = error.holder ?? 'another process'
    return [`the store ${error.path} is in use`, `It is held by ${holder}.`, 'Stop that process, or ask it.']
  }
  return [error instanceof Error ? error.message : String(error)]
}

/** The same for programs: one JSON object. */
export function explainJson(error: unknown): string {
  const cause = error instanceof StatementFailure ? error.cause : error
  const { message } = (cause ?? {}) as { message?: unknown }
  const ids = cause instanceof Error ? (({ name: _, stack: __, ...rest }) => rest)({ ...cause } as Error) : {}
  const line = error instanceof StatementFailure ? { line: error.line, sql: error.sql } : {}
  const body = { message: String(message ?? cause), exit: exitCode(error), ...ids, ...line }
  return JSON.stringify({ error: body })
}
