/** Cells as the addon hands them over, and the rows made of them. */

import { ObjectFactory } from '../rows.js'

/** What rows are made into. */
export type SyncForm = 'flat' | 'pluck' | 'expand' | 'raw'

/** Cells that come with something else. */
interface Reply {
  readonly cells: unknown[]
  readonly shape?: number
  readonly names?: string[]
  readonly blobs?: ArrayBuffer
  readonly ranges?: number[]
}

/** Reads the rows of one statement, and remembers its columns. */
export class RowReader {
  /** The shape that is known; 0 before the first row. */
  shape = 0
  #names: readonly string[] = []
  #objects = new ObjectFactory([])
  #tables: readonly string[] | undefined

  /** The cells of an answer, with its blobs in their places. */
  cells(answer: unknown): unknown[] {
    if (Array.isArray(answer)) return answer
    const { cells, shape, names, blobs, ranges } = answer as Reply
    if (shape !== undefined && names !== undefined) {
      this.shape = shape
      this.#names = names
      this.#objects = new ObjectFactory(names)
      this.#tables = undefined
    }
    if (blobs !== undefined && ranges !== undefined) {
      for (let at = 0; at < ranges.length; at += 3) {
        const [cell, start, length] = ranges.slice(at, at + 3) as [number, number, number]
        cells[cell] = Buffer.from(blobs, start, length)
      }
    }
    return cells
  }

  /** The first row of the cells. */
  first(cells: unknown[], form: SyncForm, tables: () => readonly string[]): unknown {
    if (form === 'flat') return this.#objects.rows(cells, 0, 1)[0]
    if (form === 'pluck') return cells[0]
    return form === 'raw' ? cells : this.#expanded(cells, 0, tables)
  }

  /** All rows of the cells. */
  all(cells: unknown[], form: SyncForm, tables: () => readonly string[]): unknown[] {
    const width = this.#names.length
    const count = cells.length / width
    if (form === 'flat') return this.#objects.rows(cells, 0, count)
    const rows: unknown[] = new Array(count)
    for (let row = 0, at = 0; row < count; row += 1, at += width) {
      if (form === 'pluck') rows[row] = cells[at]
      else rows[row] = form === 'raw' ? cells.slice(at, at + width) : this.#expanded(cells, at, tables)
    }
    return rows
  }

  /** A row as an object of objects, by table; `$` is for what comes from none. */
  #expanded(cells: unknown[], at: number, tables: () => readonly string[]): unknown {
    this.#tables ??= tables()
    const row: Record<string, Record<string, unknown>> = {}
    for (const [index, name] of this.#names.entries()) {
      const table = this.#tables[index] ?? '$'
      if (!Object.hasOwn(row, table)) define(row, table, {})
      define(row[table] as Record<string, unknown>, name, cells[at + index])
    }
    return row
  }
}

/** Also of `__proto__`, which an assignment would take for the prototype. */
function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
}
