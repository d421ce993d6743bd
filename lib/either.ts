/** Statements of which nobody has said whether they return rows. */

import { Want } from './encode.js'
import { execute } from './execute.js'
import type { Queryable } from './queryable.js'
import { asArrays, type Chunk, type Shape } from './rows.js'
import { Failure } from './scope.js'
import type { IntegerMode, RunResult, SqlValue } from './types.js'

/** What a statement gave. */
export interface EitherResult {
  /** Of its columns; `undefined` if it returns none. */
  readonly shape: Shape | undefined
  readonly rows: SqlValue[][]
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

/** Runs one statement, for its rows if it returns any. */
export async function runEither(
  on: Queryable,
  sql: string,
  args: readonly unknown[],
  integers: IntegerMode = on._scope.integers,
): Promise<EitherResult> {
  const scope = { ...on._scope, integers }
  if (mayReturnRows(sql)) {
    let shape: Shape | undefined
    // Rows may come in parts, each of which is converted.
    const convert = (chunk: Chunk): SqlValue[][] => {
      shape = chunk.shape
      return asArrays(chunk)
    }
    try {
      const rows = await execute(scope, on._depth, 'all', sql, Want.all, args, convert)
      if (rows instanceof Failure) throw rows.error()
      return { shape, rows, changes: undefined }
    } catch (error) {
      // A statement without rows is refused before it runs, and runs without them.
      if ((error as { code?: unknown }).code !== 'ERR_USAGE') throw error
    }
  }
  const changes = await execute<RunResult, RunResult>(scope, on._depth, 'run', sql, Want.run, args, unchanged)
  if (changes instanceof Failure) throw changes.error()
  return { shape: undefined, rows: [], changes }
}
