/** Results that are read as they are asked for. */

import { Opcode, Want } from './encode.js'
import { idOf, type Statement, textOf } from './execute.js'
import { type Chunk, type RowForm, rowsOf } from './rows.js'
import { Failure, release, type Scope, send } from './scope.js'
import { broken, finished, isTraced, messageOf, started, type TraceMessage } from './trace.js'

/** The most rows of one fetch. */
const CHUNK_ROWS = 256

const unchanged = <T>(reply: T): T => reply
const nothing = (): undefined => undefined

/** Rows of one execution. Nothing is sent before the first `next()`. */
export class RowIterator<T> implements AsyncIterableIterator<T> {
  readonly #scope: Scope
  readonly #depth: number
  readonly #statement: Statement
  readonly #form: RowForm
  readonly #args: readonly unknown[]
  #rows: unknown[] = []
  #at = 0
  /** The cursor of the rows that follow; `undefined` before the start, 0 after the last chunk. */
  #cursor: number | undefined
  /** Rows that came, and what those who trace were told at the start. */
  #count = 0
  #call: TraceMessage | undefined
  /** The last fetch, so that calls of `next()` that overlap are answered in order. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(scope: Scope, depth: number, statement: Statement, form: RowForm, args: readonly unknown[]) {
    this.#scope = scope
    this.#depth = depth
    this.#statement = statement
    this.#form = form
    this.#args = args
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const turn = this.#turn.then(() => this.#next())
    this.#turn = turn.catch(nothing)
    return turn
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    if (this.#at === this.#rows.length) await this.#fetch()
    if (this.#at === this.#rows.length) return { value: undefined, done: true }
    return { value: this.#rows[this.#at++] as T, done: false }
  }

  async #fetch(): Promise<void> {
    if (this.#cursor === 0) return
    const cursor = this.#cursor
    this.#cursor = 0
    if (cursor === undefined && isTraced()) {
      this.#call = messageOf(this.#scope, 'iterate', textOf(this.#statement))
      started(this.#call)
    }
    try {
      const chunk = await (cursor === undefined ? this.#execute() : this.#more(cursor))
      if (chunk instanceof Failure) throw chunk.error()
      this.#rows = rowsOf(chunk, this.#form)
      this.#at = 0
      this.#cursor = chunk.cursor
      this.#count += chunk.count
      if (chunk.cursor === 0) this.#finish()
    } catch (error) {
      // A loop does not call return() then.
      if (cursor !== undefined) await this.#release(cursor)
      if (this.#call !== undefined) broken(this.#call, error)
      this.#call = undefined
      throw error
    }
  }

  /** Tells who traces that no more rows will come. */
  #finish(): void {
    if (this.#call !== undefined) finished(this.#call, { rows: this.#count })
    this.#call = undefined
  }

  #release(cursor: number): Promise<void> {
    return release(this.#scope, Opcode.closeCursor, (buffer) => buffer.word(cursor))
  }

  #execute(): Promise<Chunk | Failure> {
    return send<Chunk, Chunk>(
      this.#scope,
      this.#depth,
      Opcode.execute,
      (buffer) => buffer.execute(idOf(this.#statement), Want.chunk, CHUNK_ROWS, this.#args),
      unchanged,
    )
  }

  #more(cursor: number): Promise<Chunk | Failure> {
    return send<Chunk, Chunk>(
      this.#scope,
      this.#depth,
      Opcode.fetch,
      (buffer) => {
        buffer.word(cursor)
        buffer.word(CHUNK_ROWS)
      },
      unchanged,
    )
  }

  /** Ends the statement before its last row. */
  return(): Promise<IteratorResult<T, undefined>> {
    const turn = this.#turn.then(() => this.#close())
    this.#turn = turn.catch(nothing)
    return turn
  }

  async #close(): Promise<IteratorResult<T, undefined>> {
    const cursor = this.#cursor
    this.#cursor = 0
    this.#rows = []
    this.#at = 0
    if (cursor) await this.#release(cursor)
    this.#finish()
    return { value: undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}
