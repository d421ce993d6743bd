/**
 * Rows as they come from the addon, and the objects and arrays made of them.
 *
 * Cells stand row by row in one flat array, shared by all replies that came together. Blobs of a
 * chunk are views of one `ArrayBuffer`.
 */

import type { Row, SqlValue } from './types.js'

/** The columns of a result; cached by id. */
export interface Shape {
  readonly names: readonly string[]
  readonly types: readonly (string | null)[]
  readonly objects: ObjectFactory
}

/** A chunk of rows in a flat array. */
export interface Chunk {
  readonly shape: Shape
  readonly count: number
  /** Where to read on; 0 after the last chunk. */
  readonly cursor: number
  readonly cells: readonly unknown[]
  /** Where the first cell is. */
  readonly at: number
}

type Build = (cells: readonly unknown[], at: number, count: number) => Row[]

/** From so many rows on, compiling a function for a list of columns has paid off. */
const COMPILE_ROWS = 16
/** So many compiled functions are kept, for statements that are prepared again and again. */
const COMPILED_MAX = 1024

const compiled = new Map<string, Build>()

let canCompile = true

/** Makes row objects of one list of columns. */
export class ObjectFactory {
  readonly #names: readonly string[]
  #made = 0
  #build: Build

  constructor(names: readonly string[]) {
    this.#names = names
    this.#build = (cells, at, count) => buildByLoop(this.#names, cells, at, count)
  }

  rows(cells: readonly unknown[], at: number, count: number): Row[] {
    if (this.#made <= COMPILE_ROWS) {
      this.#made += count
      if (this.#made > COMPILE_ROWS) this.#build = compile(this.#names) ?? this.#build
    }
    return this.#build(cells, at, count)
  }
}

function buildByLoop(names: readonly string[], cells: readonly unknown[], at: number, count: number): Row[] {
  const rows: Row[] = new Array(count)
  let cell = at
  for (let index = 0; index < count; index += 1) {
    const row: Row = {}
    for (const name of names) {
      const value = cells[cell] as SqlValue
      cell += 1
      if (name === '__proto__') {
        Object.defineProperty(row, name, { value, writable: true, enumerable: true, configurable: true })
      } else {
        row[name] = value
      }
    }
    rows[index] = row
  }
  return rows
}

/** A function that makes objects by one literal, or nothing where code generation is disallowed. */
function compile(names: readonly string[]): Build | undefined {
  if (!canCompile) return undefined
  const key = JSON.stringify(names)
  const known = compiled.get(key)
  if (known !== undefined) return known
  // A computed name makes an own property of `__proto__` too, and of duplicates the last one wins.
  const fields = names.map((name, index) => `[${JSON.stringify(name)}]: cells[at + ${index}]`)
  const body = `'use strict'
const rows = new Array(count)
for (let row = 0; row < count; row += 1, at += ${names.length}) rows[row] = { ${fields.join(', ')} }
return rows`
  try {
    const build = new Function('cells', 'at', 'count', body) as Build
    if (compiled.size >= COMPILED_MAX) compiled.clear()
    compiled.set(key, build)
    return build
  } catch {
    canCompile = false
    return undefined
  }
}

/** All rows of a chunk as objects. */
export function asObjects(chunk: Chunk): Row[] {
  return chunk.shape.objects.rows(chunk.cells, chunk.at, chunk.count)
}

/** All rows of a chunk as arrays. */
export function asArrays(chunk: Chunk): SqlValue[][] {
  const width = chunk.shape.names.length
  const rows: SqlValue[][] = new Array(chunk.count)
  let at = chunk.at
  for (let index = 0; index < chunk.count; index += 1, at += width) {
    rows[index] = chunk.cells.slice(at, at + width) as SqlValue[]
  }
  return rows
}

/** The first value of each row of a chunk. */
export function asFirstValues(chunk: Chunk): SqlValue[] {
  const width = chunk.shape.names.length
  const values: SqlValue[] = new Array(chunk.count)
  for (let index = 0; index < chunk.count; index += 1) {
    values[index] = chunk.cells[chunk.at + index * width] as SqlValue
  }
  return values
}

/** What rows are made into. */
export type RowForm = 'object' | 'array' | 'first'

/** All rows of a chunk in a form. */
export function rowsOf(chunk: Chunk, form: RowForm): unknown[] {
  if (form === 'object') return asObjects(chunk)
  return form === 'array' ? asArrays(chunk) : asFirstValues(chunk)
}
