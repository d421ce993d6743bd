/** One execution of one statement. */

import { Opcode, type Source } from './encode.js'
import { type Chunk, type RowForm, rowsOf } from './rows.js'
import { type Failure, type Scope, send } from './scope.js'
import type { RunResult } from './types.js'

/** Sends one execution. */
export function execute<R extends Chunk | RunResult, T>(
  scope: Scope,
  depth: number,
  source: Source,
  want: number,
  args: readonly unknown[],
  convert: (reply: R) => T,
): Promise<T | Failure> {
  return send(scope, depth, Opcode.execute, (buffer) => buffer.execute(source, want, 0, args), convert)
}

/** The first row of a chunk in a form. */
export function firstRow(form: RowForm): (chunk: Chunk) => unknown {
  return (chunk) => rowsOf(chunk, form)[0]
}
