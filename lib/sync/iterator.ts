/** Rows of one run, read one by one. */

/** What an iterator needs of its statement. */
export interface RowSource<T> {
  /** The next row; `undefined` after the last, when the reading has ended. */
  next(): { readonly value: T } | undefined
  /** Ends the reading before its end. */
  close(): void
}

/** Ends by itself after the last row, or by `return()`, which a loop calls that is left. */
export class RowIteratorSync<T> implements IterableIterator<T> {
  readonly #source: RowSource<T>
  #open = true

  /** @internal */
  constructor(source: RowSource<T>) {
    this.#source = source
  }

  next(): IteratorResult<T, undefined> {
    if (!this.#open) return { value: undefined, done: true }
    const row = this.#source.next()
    if (row !== undefined) return { value: row.value, done: false }
    this.#open = false
    return { value: undefined, done: true }
  }

  return(): IteratorResult<T, undefined> {
    if (this.#open) {
      this.#source.close()
      this.#open = false
    }
    return { value: undefined, done: true }
  }

  [Symbol.iterator](): this {
    return this
  }
}

// As the iterators of arrays have it: where Node has iterator helpers, so do these.
const arrayIterator: object = Object.getPrototypeOf([][Symbol.iterator]())
Object.setPrototypeOf(RowIteratorSync.prototype, Object.getPrototypeOf(arrayIterator))
