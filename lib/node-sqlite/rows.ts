/** Cells as the addon hands them over, and the rows made of them. */

import { outOfRange } from './errors.js'
import type { SQLOutputValue, SQLRow } from './types.js'

/** The addon's number for integers that come as bigints only where a number cannot hold them. */
export const INTEGERS_AUTO = 2
/** The addon's number for integers that come as bigints. */
export const INTEGERS_BIGINT = 1

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

  /** All rows of an answer. */
  rows(answer: unknown, bigints: boolean, arrays: boolean): SQLRow[] {
    if (answer === undefined) return []
    const cells = this.#cells(answer, bigints)
    const width = this.#names.length
    const rows: SQLRow[] = new Array(cells.length / width)
    for (let row = 0, at = 0; at < cells.length; row += 1, at += width) {
      rows[row] = arrays ? (cells.slice(at, at + width) as never) : this.#object(cells, at)
    }
    return rows
  }

  #object(cells: readonly unknown[], at: number): SQLRow {
    // Without a prototype `__proto__` is a name like any other.
    const row: SQLRow = Object.create(null)
    let cell = at
    for (const name of this.#names) {
      row[name] = cells[cell] as SQLOutputValue
      cell += 1
    }
    return row
  }

  #cells(answer: unknown, bigints: boolean): unknown[] {
    if (Array.isArray(answer)) return bigints ? answer : exact(answer)
    const { cells, shape, names, blobs, ranges } = answer as Reply
    if (shape !== undefined && names !== undefined) {
      this.shape = shape
      this.#names = names
    }
    if (blobs !== undefined && ranges !== undefined) {
      for (let at = 0; at < ranges.length; at += 3) {
        const [cell, start, length] = ranges.slice(at, at + 3) as [number, number, number]
        // Each with memory of its own: what is kept keeps nothing else.
        cells[cell] = new Uint8Array(blobs.slice(start, start + length))
      }
    }
    return bigints ? cells : exact(cells)
  }
}

/** The cells, unless there is an integer among them that no number holds. */
function exact(cells: unknown[]): unknown[] {
  for (const cell of cells) if (typeof cell === 'bigint') throw tooLarge(cell)
  return cells
}

/** An integer that no number holds. */
export function tooLarge(value: bigint): RangeError {
  return outOfRange(`Value is too large to be represented as a JavaScript number: ${value}`)
}
