/** Rows of one run, read one by one. */

import { constructible, inside, requireInside } from './construct.js'
import type { SQLRow } from './types.js'

/** What an iterator needs of its statement. */
export interface RowSource {
  /** The next row; `undefined` after the last. */
  next(): SQLRow | undefined
  /** Ends the reading before its end. */
  close(): void
}

/** A result without a prototype, whose value after the end is `null`. */
function result<T>(done: boolean, value: T): { done: boolean; value: T } {
  return Object.assign(Object.create(null), { done, value })
}

// As the iterators of arrays have it: where Node has iterator helpers, so do these.
const prototype: object = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))
const Base = function Iterator() {} as unknown as new () => object
Base.prototype = prototype

class StatementSyncIterator extends Base {
  readonly #source: RowSource
  #done = false

  constructor(token: typeof inside, source: RowSource) {
    requireInside(token)
    super()
    this.#source = source
  }

  next(): { done: boolean; value: SQLRow | null } {
    if (this.#done) return result(true, null)
    const row = this.#source.next()
    if (row !== undefined) return result(false, row)
    this.#done = true
    return result(true, null)
  }

  return(): { done: boolean; value: null } {
    this.#source.close()
    this.#done = true
    return result(true, null)
  }

  [Symbol.iterator](): this {
    return this
  }
}

const Constructible = constructible(StatementSyncIterator, 'StatementSyncIterator', false)

/** An iterator over what a source has. */
export function iteratorOf(source: RowSource): IterableIterator<SQLRow> {
  return new Constructible(inside, source) as unknown as IterableIterator<SQLRow>
}
