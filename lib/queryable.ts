/** The calls that databases, transactions and scopes of options share. */

import type { BatchResult, Prepared } from './decode.js'
import { Opcode, Want } from './encode.js'
import { execute, firstRow } from './execute.js'
import { RowIterator } from './iterate.js'
import { asArrays, asFirstValues, asObjects, type Chunk } from './rows.js'
import { Failure, type Scope, send } from './scope.js'
import { Statement } from './statement.js'
import { SqlTag, type SqlTagFunction } from './tag.js'
import { batchMessage, batchOutcome, isTraced, messageOf, told, traced } from './trace.js'
import type {
  BatchOptions,
  BatchStatement,
  BindArgs,
  NamedParameters,
  ResultSet,
  Row,
  RunResult,
  SqlInput,
  SqlValue,
} from './types.js'
import { checkBatch, checkBehavior, checkRows, checkSql } from './validate.js'

const unchanged = <T>(reply: T): T => reply
const nothing = (): undefined => undefined

function resultSet({ changes, rows }: BatchResult): ResultSet {
  return {
    columns: rows === undefined ? [] : [...rows.shape.names],
    columnTypes: rows === undefined ? [] : [...rows.shape.types],
    rows: rows === undefined ? [] : asArrays(rows),
    rowsAffected: changes.changes,
    lastInsertRowid: changes.lastInsertRowid,
  }
}

/** What can be asked of a database, inside a transaction or outside. */
export abstract class Queryable {
  /** @internal */
  readonly _scope: Scope
  /** @internal How many savepoints of the transaction were open when this was made. */
  readonly _depth: number
  #tag: SqlTagFunction | undefined

  /** @internal */
  constructor(scope: Scope, depth: number) {
    this._scope = scope
    this._depth = depth
  }

  /** Runs a statement that writes; rows of a `RETURNING` are dropped. One that only reads is a `TypeError`. */
  async run(sql: string, ...args: BindArgs): Promise<RunResult> {
    checkSql(sql)
    const result = await execute<RunResult, RunResult>(
      this._scope,
      this._depth,
      'run',
      sql,
      Want.run,
      args,
      unchanged,
    )
    if (result instanceof Failure) throw result.error()
    return result
  }

  /** The first row as an object; `undefined` if there is none. */
  async get<T = Row>(sql: string, ...args: BindArgs): Promise<T | undefined> {
    checkSql(sql)
    const row = await execute(this._scope, this._depth, 'get', sql, Want.first, args, firstRow('object'))
    if (row instanceof Failure) throw row.error()
    return row as T | undefined
  }

  /** All rows as objects. */
  async all<T = Row>(sql: string, ...args: BindArgs): Promise<T[]> {
    checkSql(sql)
    const rows = await execute(this._scope, this._depth, 'all', sql, Want.all, args, asObjects)
    if (rows instanceof Failure) throw rows.error()
    return rows as T[]
  }

  /** All rows as arrays. */
  async values<T extends SqlValue[] = SqlValue[]>(sql: string, ...args: BindArgs): Promise<T[]> {
    checkSql(sql)
    const rows = await execute(this._scope, this._depth, 'values', sql, Want.all, args, asArrays)
    if (rows instanceof Failure) throw rows.error()
    return rows as T[]
  }

  /** The first column of the first row; `undefined` if there is no row. */
  async pluck<T extends SqlValue = SqlValue>(sql: string, ...args: BindArgs): Promise<T | undefined> {
    checkSql(sql)
    const first = (chunk: Chunk): SqlValue | undefined => asFirstValues(chunk)[0]
    const value = await execute(this._scope, this._depth, 'pluck', sql, Want.first, args, first)
    if (value instanceof Failure) throw value.error()
    return value as T | undefined
  }

  /**
   * Rows as objects, fetched as they are asked for. The statement stays open until the last row, or
   * until the loop is left.
   */
  iterate<T = Row>(sql: string, ...args: BindArgs): AsyncIterableIterator<T> {
    checkSql(sql)
    return new RowIterator<T>(this._scope, this._depth, sql, 'object', args)
  }

  /** Runs a script of any number of statements; rows are dropped. */
  async exec(script: string): Promise<void> {
    checkSql(script)
    const done = await told(this._scope, 'exec', script, () =>
      send(this._scope, this._depth, Opcode.script, (buffer) => buffer.text(script), nothing),
    )
    if (done instanceof Failure) throw done.error()
  }

  /** Prepares one statement. */
  async prepare<T = Row>(sql: string): Promise<Statement<T>> {
    checkSql(sql)
    const prepared = await told(this._scope, 'prepare', sql, () =>
      send<Prepared, Prepared>(
        this._scope,
        this._depth,
        Opcode.prepare,
        (buffer) => buffer.text(sql),
        unchanged,
      ),
    )
    if (prepared instanceof Failure) throw prepared.error()
    return new Statement<T>(this._scope, this._depth, sql, prepared)
  }

  /**
   * Runs many statements as one transaction, in one crossing; or one statement with many rows of
   * parameters. If one fails, none has run.
   */
  batch(statements: readonly BatchStatement[], options?: BatchOptions): Promise<ResultSet[]>
  batch(
    sql: string,
    rows: readonly (readonly SqlInput[] | NamedParameters)[],
    options?: BatchOptions,
  ): Promise<RunResult>
  async batch(
    what: string | readonly BatchStatement[],
    rowsOrOptions?: readonly (readonly SqlInput[] | NamedParameters)[] | BatchOptions,
    options?: BatchOptions,
  ): Promise<ResultSet[] | RunResult> {
    if (typeof what === 'string') {
      return this.#batchRows(what, rowsOrOptions as readonly SqlInput[][], options)
    }
    checkBatch(what)
    const behavior = checkBehavior(rowsOrOptions as BatchOptions | undefined)
    const run = () =>
      send<readonly BatchResult[], ResultSet[]>(
        this._scope,
        this._depth,
        Opcode.batch,
        (buffer) => buffer.batch(what, behavior),
        (reply) => reply.map(resultSet),
      )
    const results = isTraced()
      ? await traced(batchMessage(this._scope, what), run, batchOutcome)
      : await run()
    if (results instanceof Failure) throw results.error()
    return results
  }

  async #batchRows(sql: string, rows: readonly SqlInput[][], options?: BatchOptions): Promise<RunResult> {
    checkRows(rows)
    const behavior = checkBehavior(options)
    if (rows.length === 0) return { changes: 0, lastInsertRowid: 0 }
    const run = () =>
      send<readonly BatchResult[], RunResult>(
        this._scope,
        this._depth,
        Opcode.batch,
        (buffer) => buffer.rows(sql, rows, behavior),
        (reply) => (reply[0] as BatchResult).changes,
      )
    const changes = isTraced()
      ? await traced(
          { ...messageOf(this._scope, 'batch', sql), batchSize: rows.length },
          run,
          ({ changes }) => ({
            changes,
          }),
        )
      : await run()
    if (changes instanceof Failure) throw changes.error()
    return changes
  }

  /** Statements as template literals: each `${value}` becomes a parameter. */
  get sql(): SqlTagFunction {
    this.#tag ??= SqlTag(this)
    return this.#tag
  }
}
