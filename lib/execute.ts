/** One execution of one statement. */

import { Opcode, type Source, Want } from './encode.js'
import { type Chunk, type RowForm, rowsOf } from './rows.js'
import { type Failure, type Scope, send } from './scope.js'
import { isTraced, messageOf, type Outcome, type TraceOperation, traced } from './trace.js'
import type { RunResult } from './types.js'

/** SQL text, or a statement that was prepared of it. */
export type Statement = string | { readonly id: number; readonly source: string }

/** What the addon knows a statement by. */
export const idOf = (statement: Statement): Source =>
  typeof statement === 'string' ? statement : statement.id

/** The SQL text of a statement. */
export const textOf = (statement: Statement): string =>
  typeof statement === 'string' ? statement : statement.source

/** Sends one execution. */
export function execute<R extends Chunk | RunResult, T>(
  scope: Scope,
  depth: number,
  operation: TraceOperation,
  statement: Statement,
  want: number,
  args: readonly unknown[],
  convert: (reply: R) => T,
): Promise<T | Failure> {
  if (isTraced()) {
    const call = messageOf(scope, operation, textOf(statement))
    return traced(call, () => run(scope, depth, statement, want, args, convert), outcomeOf(want))
  }
  return run(scope, depth, statement, want, args, convert)
}

function run<R extends Chunk | RunResult, T>(
  scope: Scope,
  depth: number,
  statement: Statement,
  want: number,
  args: readonly unknown[],
  convert: (reply: R) => T,
): Promise<T | Failure> {
  const source = idOf(statement)
  return send(scope, depth, Opcode.execute, (buffer) => buffer.execute(source, want, 0, args), convert)
}

/** Counts what an execution gave. */
function outcomeOf(want: number): (result: unknown) => Outcome {
  if (want === Want.run) return (result) => ({ changes: (result as RunResult).changes })
  if (want === Want.all) return (rows) => ({ rows: (rows as readonly unknown[]).length })
  return (row) => ({ rows: row === undefined ? 0 : 1 })
}

/** The first row of a chunk in a form. */
export function firstRow(form: RowForm): (chunk: Chunk) => unknown {
  return (chunk) => rowsOf(chunk, form)[0]
}
