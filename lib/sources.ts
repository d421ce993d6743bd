/** Where the bytes of an import come from. */

import type { BigIntStats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { describe } from './encode.js'
import { StorageError } from './errors.js'
import { unlessAborted } from './transfers.js'

/** So much is handed over at a time. */
const CHUNK_BYTES = 1 << 20

/** Gives bytes in order. */
export interface Source {
  /** How many there will be, if that is known. */
  readonly totalBytes: number | undefined
  /** The next bytes, which are good until the next call; `undefined` at the end. */
  next(): Promise<Uint8Array | undefined>
  /** Throws if what was given is not what it should have been. */
  check(): Promise<void>
  /** Lets it go, read to the end or not. */
  close(): Promise<void>
}

/** Bytes in memory. */
export class BytesSource implements Source {
  readonly totalBytes: number
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.totalBytes = bytes.length
  }

  async next(): Promise<Uint8Array | undefined> {
    const chunk = this.#bytes.subarray(this.#at, this.#at + CHUNK_BYTES)
    this.#at += chunk.length
    return chunk.length === 0 ? undefined : chunk
  }

  async check(): Promise<void> {}
  async close(): Promise<void> {}
}

/** Bytes as somebody else brings them. */
export class IterableSource implements Source {
  readonly totalBytes = undefined
  readonly #iterator: AsyncIterator<Uint8Array>
  readonly #signal: AbortSignal
  #chunk: Uint8Array = new Uint8Array()
  #done = false

  constructor(from: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    this.#iterator = from[Symbol.asyncIterator]()
    this.#signal = signal
  }

  async next(): Promise<Uint8Array | undefined> {
    while (this.#chunk.length === 0) {
      const { done, value } = await unlessAborted(this.#signal, this.#iterator.next())
      if (done) {
        this.#done = true
        return undefined
      }
      if (!(value instanceof Uint8Array)) {
        throw new TypeError(`the chunks of a file must be Uint8Arrays, not ${describe(value)}`)
      }
      this.#chunk = value
    }
    const chunk = this.#chunk.subarray(0, CHUNK_BYTES)
    this.#chunk = this.#chunk.subarray(CHUNK_BYTES)
    return chunk
  }

  async check(): Promise<void> {}

  async close(): Promise<void> {
    // It may wait for bytes that never come.
    if (!this.#done) this.#iterator.return?.()?.catch(() => {})
  }
}

/** A file that nobody may change meanwhile. */
export class FileSource implements Source {
  readonly totalBytes: number
  readonly #path: string
  readonly #handle: FileHandle
  readonly #before: BigIntStats
  readonly #buffer = new Uint8Array(CHUNK_BYTES)
  #at = 0

  private constructor(path: string, handle: FileHandle, before: BigIntStats) {
    this.#path = path
    this.#handle = handle
    this.#before = before
    this.totalBytes = Number(before.size)
  }

  static async open(path: string): Promise<FileSource> {
    const handle = await open(path, 'r')
    try {
      const before = await handle.stat({ bigint: true })
      if (!before.isFile()) throw invalid(path, 'it is no file')
      await refuseJournals(path)
      return new FileSource(path, handle, before)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async next(): Promise<Uint8Array | undefined> {
    const { bytesRead } = await this.#handle.read(this.#buffer, 0, CHUNK_BYTES, this.#at)
    this.#at += bytesRead
    return bytesRead === 0 ? undefined : this.#buffer.subarray(0, bytesRead)
  }

  async check(): Promise<void> {
    const { size, mtimeNs, ctimeNs } = await this.#handle.stat({ bigint: true })
    const before = this.#before
    if (size !== before.size || mtimeNs !== before.mtimeNs || ctimeNs !== before.ctimeNs) {
      throw invalid(this.#path, 'it was changed while it was read')
    }
    await refuseJournals(this.#path)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** Throws if the newest state of the file is in a journal beside it. */
async function refuseJournals(path: string): Promise<void> {
  for (const suffix of ['-wal', '-journal']) {
    // A journal that is kept and not hot begins with a zero.
    if (await beginsWithData(path + suffix)) {
      throw invalid(
        path,
        `${path}${suffix} holds a part of it: close whoever has it open, or open and close it with SQLite`,
      )
    }
  }
}

async function beginsWithData(path: string): Promise<boolean> {
  let handle: FileHandle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  try {
    const first = new Uint8Array(1)
    const { bytesRead } = await handle.read(first, 0, 1, 0)
    return bytesRead === 1 && first[0] !== 0
  } finally {
    await handle.close()
  }
}

function invalid(path: string, reason: string): StorageError {
  return new StorageError(`the file cannot be imported: ${reason}`, 'ERR_INVALID_FILE', { path })
}
