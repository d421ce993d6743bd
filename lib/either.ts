/** Statements of which nobody has said whether they return rows. */

import { Want } from './encode.js'
import { execute } from './execute.js'
import type { Queryable } from './queryable.js'
import { asArrays, type Chunk, type Shape } from './rows.js'
import { Failure } from './scope.js'
import type { IntegerMode, RunResult, SqlValue } from './types.js'

/** What a statement gave. */
export interface EitherResult<T = SqlValue[]> {
  /** Of its columns; `undefined` if it returns none. */
  readonly shape: Shape | undefined
  readonly rows: T[]
  /** What it changed; `undefined` if it returns rows. */
  readonly changes: RunResult | undefined
}

const unchanged = <T>(reply: T): T => reply

const LEAD = String.raw`^(?:\s|--[^\n]*\n|/\*[\s\S]*?\*/)*`
const RETURNS_NOTHING = new RegExp(
  `${LEAD}(?:insert|replace|update|delete|create|drop|alter|begin|commit|end|rollback|savepoint|release|reindex|vacuum|analyze)\\b`,
  'i',
)
const BEGINS = new RegExp(`${LEAD}(?:begin|savepoint)\\b`, 'i')
const READS = new RegExp(`${LEAD}(?:select|values|explain)\\b`, 'i')

/** Whether a statement may return rows: never wrong when it says no. */
export function mayReturnRows(sql: string): boolean {
  return !RETURNS_NOTHING.test(sql) || /\breturning\b/i.test(sql)
}

/** Whether a statement begins a transaction. */
export function beginsTransaction(sql: string): boolean {
  return BEGINS.test(sql)
}

/** Whether a statement may write: never wrong when it says no. */
export function mayWrite(sql: string): boolean {
  return !READS.test(sql)
}

/** Refused before it runs, as it returns rows and none were wanted, or the other way round. */
function isRefused(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_USAGE'
}

async function changesOf(on: Queryable, sql: string, args: readonly unknown[]): Promise<RunResult> {
  const changes = await execute<RunResult, RunResult>(
    on._scope,
    on._depth,
    'run',
    sql,
    Want.run,
    args,
    unchanged,
  )
  if (changes instanceof Failure) throw changes.error()
  return changes
}

/** Runs one statement for its rows in a form, all or the first; of one without rows for what it changes. */
export async function runEither<T = SqlValue[]>(
  on: Queryable,
  sql: string,
  args: readonly unknown[],
  rowsOf: (chunk: Chunk) => T[],
  options: { readonly integers?: IntegerMode; readonly first?: boolean } = {},
): Promise<EitherResult<T>> {
  const { integers = on._scope.integers, first = false } = options
  if (mayReturnRows(sql)) {
    let shape: Shape | undefined
    // Rows may come in parts, each of which is converted.
    const convert = (chunk: Chunk): T[] => {
      shape = chunk.shape
      return rowsOf(chunk)
    }
    try {
      const want = first ? Want.first : Want.all
      const scope = { ...on._scope, integers }
      const rows = await execute(scope, on._depth, 'all', sql, want, args, convert)
      if (rows instanceof Failure) throw rows.error()
      return { shape, rows, changes: undefined }
    } catch (error) {
      if (!isRefused(error)) throw error
    }
  }
  return { shape: undefined, rows: [], changes: await changesOf(on, sql, args) }
}

/** Runs one statement for what it changes; of one that only reads that is nothing. */
export async function runForChanges(
  on: Queryable,
  sql: string,
  args: readonly unknown[],
): Promise<RunResult> {
  try {
    return await changesOf(on, sql, args)
  } catch (error) {
    if (!isRefused(error)) throw error
  }
  await runEither(on, sql, args, asArrays)
  return { changes: 0, lastInsertRowid: 0 }
}
