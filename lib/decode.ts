/** Replies as they come from the addon: one flat array a drain. Layout: crates/node/src/encode.rs. */

import type { ErrorPayload } from '../native.cjs'
import { Failure } from './errors.js'
import { type Chunk, ObjectFactory, type Shape } from './rows.js'
import type { Column, RunResult } from './types.js'

const Kind = {
  done: 0,
  changes: 1,
  rows: 2,
  prepared: 3,
  began: 4,
  batch: 5,
  error: 6,
  opened: 7,
  shape: 8,
  forgetShapes: 9,
  rowsPart: 10,
  value: 11,
} as const

/** A prepared statement as the addon describes it. */
export interface Prepared {
  readonly id: number
  readonly reader: boolean
  readonly readonly: boolean
  readonly columns: readonly Column[]
}

/** One result of a batch. */
export interface BatchResult {
  readonly changes: RunResult
  readonly rows: Chunk | undefined
}

/**
 * What a reply holds: nothing, a handle or an id, changes, a chunk of rows, a prepared statement,
 * the results of a batch, any other value, or a failure.
 */
export type Reply =
  | undefined
  | number
  | RunResult
  | Chunk
  | Prepared
  | readonly BatchResult[]
  | Value
  | Failure

/** Any value, as the addon made it. */
export interface Value {
  readonly value: unknown
}

/** Reads replies, and remembers shapes. */
export class ReplyReader {
  readonly #shapes = new Map<number, Shape>()
  #values: readonly unknown[] = []
  #at = 0

  /** Calls back with each reply of a drain, in order; of rows that come in parts, with each part. */
  read(values: readonly unknown[], reply: (request: number, reply: Reply, part: boolean) => void): void {
    this.#values = values
    this.#at = 0
    for (;;) {
      const request = this.#next() as number | undefined
      // The array may have been made longer than it was needed.
      if (request === undefined) break
      const kind = this.#number()
      if (kind === Kind.shape) this.#shape()
      else if (kind === Kind.forgetShapes) this.#shapes.clear()
      else reply(request, this.#body(kind), kind === Kind.rowsPart)
    }
    this.#values = []
  }

  #next(): unknown {
    return this.#values[this.#at++]
  }

  #number(): number {
    return this.#values[this.#at++] as number
  }

  #body(kind: number): Reply {
    switch (kind) {
      case Kind.done:
        return undefined
      case Kind.changes:
        return this.#changes()
      case Kind.rows:
      case Kind.rowsPart:
        return this.#chunk()
      case Kind.prepared:
        return this.#prepared()
      case Kind.began:
      case Kind.opened:
        return this.#number()
      case Kind.batch:
        return this.#batch()
      case Kind.value:
        return { value: this.#next() }
      case Kind.error:
        return Failure.of(this.#next() as ErrorPayload)
      default:
        throw new Error(`the addon sent a reply of the unknown kind ${kind}`)
    }
  }

  #changes(): RunResult {
    const changes = this.#number()
    return { changes, lastInsertRowid: this.#next() as number | bigint }
  }

  #shape(): void {
    const id = this.#number()
    const width = this.#number()
    const names: string[] = []
    const types: (string | null)[] = []
    for (let index = 0; index < width; index += 1) {
      names.push(this.#next() as string)
      types.push(this.#next() as string | null)
    }
    this.#shapes.set(id, { names, types, objects: new ObjectFactory(names) })
  }

  #chunk(): Chunk {
    const shape = this.#shapes.get(this.#number())
    if (shape === undefined) throw new Error('the addon sent rows of an unknown shape')
    const count = this.#number()
    const cursor = this.#number()
    const blobs = this.#number()
    const at = this.#at
    this.#at += count * shape.names.length
    if (blobs > 0) this.#blobs(at, blobs)
    return { shape, count, cursor, cells: this.#values, at }
  }

  /** Puts views of the chunk's one buffer where its blobs are. */
  #blobs(at: number, blobs: number): void {
    const cells = this.#values as unknown[]
    const buffer = this.#next() as ArrayBuffer
    for (let index = 0; index < blobs; index += 1) {
      const cell = this.#number()
      const offset = this.#number()
      cells[at + cell] = new Uint8Array(buffer, offset, this.#number())
    }
  }

  #prepared(): Prepared {
    const id = this.#number()
    const reader = this.#next() as boolean
    const readonly = this.#next() as boolean
    const columns: Column[] = []
    for (let left = this.#number(); left > 0; left -= 1) {
      columns.push({
        name: this.#next() as string,
        column: this.#next() as string | null,
        table: this.#next() as string | null,
        database: this.#next() as string | null,
        type: this.#next() as string | null,
      })
    }
    return { id, reader, readonly, columns }
  }

  #batch(): BatchResult[] {
    const results: BatchResult[] = []
    for (let left = this.#number(); left > 0; left -= 1) {
      const changes = this.#changes()
      results.push({ changes, rows: this.#next() === true ? this.#chunk() : undefined })
    }
    return results
  }
}
