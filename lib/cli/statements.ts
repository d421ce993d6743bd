/** Runs statements and prints what they return. */

import type { Queryable } from '../queryable.js'
import type { BindArgs, SqlValue } from '../types.js'
import { BrokenPipe, Interrupted, StatementFailure } from './failure.js'
import type { Output } from './output.js'
import { planRenderer, type Renderer, renderer, type Settings } from './render/index.js'
import { Scanner, type Statement } from './sql/scanner.js'

/** How a statement's rows are printed. */
export interface Printing {
  readonly out: Output
  readonly settings: Settings
  /** Draw what EXPLAIN returns. */
  readonly plans: boolean
}

/** What a statement did. */
export interface Outcome {
  readonly rows: number
  /** Rows changed, where it returns none. */
  readonly changes: number
  readonly lastInsertRowid: number | bigint
}

/** How many rows go out before the reader is waited for. */
const ROWS_PER_PAUSE = 1000

/** Something that can be prepared: a database, or its calls under a signal. */
type Target = Pick<Queryable, 'prepare'>

/** Runs one statement; prints its rows if that is wanted. */
export async function runStatement(
  target: Target,
  sql: string,
  args: BindArgs = [],
  printing?: Printing,
): Promise<Outcome> {
  const statement = await target.prepare(sql)
  try {
    if (!statement.reader) return { rows: 0, ...(await statement.run(...args)) }
    const names = statement.columns().map(({ name }) => name)
    const printer = printing === undefined ? undefined : printerOf(printing, sql, names)
    let rows = 0
    for await (const row of statement
      .integers('bigint')
      .raw()
      .iterate(...args)) {
      rows += 1
      printer?.row(row as unknown as readonly SqlValue[])
      if (rows % ROWS_PER_PAUSE === 0) await printing?.out.ready()
    }
    printer?.end()
    return { rows, changes: 0, lastInsertRowid: 0 }
  } finally {
    await statement.finalize()
  }
}

function printerOf({ out, settings, plans }: Printing, sql: string, names: readonly string[]): Renderer {
  const plan = plans ? planRenderer(sql, names, out.bytes) : undefined
  return plan ?? renderer(settings, names, out.bytes)
}

/** Statements of a text that comes in pieces. */
export async function* statementsOf(
  chunks: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<Statement> {
  const scanner = new Scanner()
  for await (const chunk of chunks) {
    scanner.push(chunk)
    for (let next = scanner.next(); next !== undefined; next = scanner.next()) yield next
  }
  for (let next = scanner.next(true); next !== undefined; next = scanner.next(true)) yield next
  const rest = scanner.rest()
  if (rest !== undefined) yield rest
}

/** Runs something for a statement of a script; a failure names the statement. */
export async function placed<T>({ sql, line }: Statement, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof BrokenPipe || error instanceof Interrupted) throw error
    throw new StatementFailure(error, sql, line)
  }
}
