/** Databases as SQLite files. */

import { createHash, type Hash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Failure, StorageError } from './errors.js'
import { PartialFile } from './partial-file.js'
import { MemorySink, type Sink, streamSink } from './sinks.js'
import { Snapshot, type SnapshotOf } from './snapshot.js'
import { type Transfers, unlessAborted } from './transfers.js'
import type { ExportDestination, ExportInfo, ExportOptions, SerializeOptions } from './types.js'

/** So much is read, hashed and written at a time. */
const CHUNK_BYTES = 1 << 20

/** The largest database that `serialize` puts into memory. */
const SERIALIZE_BYTES_MAX = 512 << 20

/** What is done with each chunk beside writing it. */
interface Passing {
  readonly signal: AbortSignal
  readonly hash?: Hash
  readonly onProgress?: ExportOptions['onProgress'] | undefined
}

/** Exports one database of a storage. */
export class Exporter {
  readonly #of: SnapshotOf
  readonly #transfers: Transfers

  constructor(of: SnapshotOf, transfers: Transfers) {
    this.#of = of
    this.#transfers = transfers
  }

  /** Writes the newest committed state to a file or a stream. */
  async export(to: ExportDestination, options: ExportOptions): Promise<ExportInfo> {
    const { overwrite = false, signal, onProgress } = options
    return await this.#transfers.run(signal, async (signal) => {
      const hash = createHash('sha256')
      const { pages, bytes } = await this.#pour(
        async () => streamSink(to) ?? (await PartialFile.create(pathOf(to), overwrite)),
        { signal, hash, onProgress },
      )
      return { pages, bytes, sha256: hash.digest('hex') }
    })
  }

  /** The same bytes in memory. */
  async serialize({ signal }: SerializeOptions): Promise<Uint8Array> {
    return await this.#transfers.run(signal, async (signal) => {
      let memory = new MemorySink(0)
      const open = async ({ bytes }: Snapshot): Promise<Sink> => {
        if (bytes > SERIALIZE_BYTES_MAX) throw tooLarge(bytes)
        memory = new MemorySink(bytes)
        return memory
      }
      await this.#pour(open, { signal })
      return memory.bytes
    })
  }

  /** Sends a snapshot into a sink, all of it or nothing. */
  async #pour(open: (snapshot: Snapshot) => Promise<Sink>, passing: Passing): Promise<Snapshot> {
    const snapshot = await Snapshot.open(this.#of)
    try {
      passing.signal.throwIfAborted()
      const sink = await open(snapshot)
      try {
        await pour(snapshot, sink, passing)
        await sink.finish(passing.signal)
      } catch (error) {
        await sink.fail(error)
        throw error
      }
    } finally {
      await snapshot.close()
    }
    return snapshot
  }
}

/** Reads the next chunk while the one before is hashed and written. */
async function pour(snapshot: Snapshot, sink: Sink, { signal, hash, onProgress }: Passing): Promise<void> {
  const { pages, pageSize } = snapshot
  const step = Math.max(1, Math.floor(CHUNK_BYTES / pageSize))
  const read = (first: number): Promise<number | Failure> =>
    snapshot.read(first, Math.min(step, pages - first + 1))
  let next = pages === 0 ? undefined : read(1)
  for (let first = 1; next !== undefined; first += step) {
    const bytes: number | Failure = await next
    if (bytes instanceof Failure) throw bytes.error()
    signal.throwIfAborted()
    const chunk = sink.buffer(bytes)
    snapshot.take(chunk)
    const following = first + step
    next = following <= pages ? read(following) : undefined
    hash?.update(chunk)
    await unlessAborted(signal, sink.write(chunk))
    onProgress?.({ totalPages: pages, remainingPages: Math.max(0, pages - following + 1) })
  }
}

function pathOf(to: ExportDestination): string {
  return to instanceof URL ? fileURLToPath(to) : (to as string)
}

function tooLarge(bytes: number): StorageError {
  const message = `the database has ${bytes} bytes, more than serialize() takes into memory: use export()`
  return new StorageError(message, 'ERR_LIMIT', { actual: bytes, limit: SERIALIZE_BYTES_MAX })
}
