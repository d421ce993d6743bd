/** One committed state of a database, page by page. */

import type { NativeSnapshot } from '../native.cjs'
import { connectionHandle, request } from './connection.js'
import type { Value } from './decode.js'
import { Failure } from './errors.js'
import { native } from './native.js'

const nothing = (): undefined => undefined

/** Whose snapshot. */
export interface SnapshotOf {
  /** The handle of the storage. */
  readonly storage: number
  readonly namespace: string
  readonly actor: string
}

/** A state that stays as it is until `close()`, whatever is committed meanwhile. */
export class Snapshot {
  /** The size in pages. */
  readonly pages: number
  /** Bytes a page. */
  readonly pageSize: number
  readonly #handle: number

  private constructor(handle: number, { pages, pageSize }: NativeSnapshot) {
    this.#handle = handle
    this.pages = pages
    this.pageSize = pageSize
  }

  /** Opens the newest committed state, once it is on disk. */
  static async open({ storage, namespace, actor }: SnapshotOf): Promise<Snapshot> {
    let handle = 0
    const opened = await request(
      (connection, id) => {
        handle = native.openSnapshot(connection, id, storage, namespace, actor)
      },
      ({ value }: Value) => value as NativeSnapshot,
    )
    if (!(opened instanceof Failure)) return new Snapshot(handle, opened)
    await close(handle)
    throw opened.error()
  }

  /** The size of the file, in bytes. */
  get bytes(): number {
    return this.pages * this.pageSize
  }

  /** Reads pages, which `take` then gives out; their number of bytes. Never rejects. */
  read(first: number, count: number): Promise<number | Failure> {
    return request(
      (connection, id) => native.readSnapshot(connection, id, this.#handle, first, count),
      ({ value }: Value) => value as number,
    )
  }

  /** Copies what was read last. */
  take(into: Uint8Array): void {
    native.takeSnapshot(connectionHandle, this.#handle, into)
  }

  /** Lets the state go. */
  async close(): Promise<void> {
    await close(this.#handle)
  }
}

async function close(handle: number): Promise<void> {
  await request((connection, id) => native.closeSnapshot(connection, id, handle), nothing)
}
