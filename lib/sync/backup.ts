/** Copies of a synchronous database into files, while it goes on. */

import { existsSync } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Failure, SqliteError } from '../errors.js'
import { PartialFile } from '../partial-file.js'
import type { Sink } from '../sinks.js'
import { Snapshot, type SnapshotOf } from '../snapshot.js'
import { Transfers } from '../transfers.js'
import type { ExportProgress } from '../types.js'
import { requireOpen, type SyncState } from './state.js'

/** Pages of a step of which nothing else is said. */
const STEP_PAGES = 100
/** The most pages of a step: what SQLite counts with. */
const STEP_PAGES_MAX = 0x7fffffff
/** So much is in memory at a time. */
const CHUNK_BYTES = 1 << 20

/** What each database of SQLite begins with. */
const MAGIC = Buffer.from('SQLite format 3\0')

const SQLITE_ERROR = 1
const SQLITE_CANTOPEN = 14
const SQLITE_NOTADB = 26

/** How `backup` goes on. */
export interface BackupOptionsSync {
  /** The schema to copy: `'main'`, as there is no other. */
  readonly attached?: string
  /**
   * Called before the first page and after each step. It may answer with the number of pages of the
   * next steps, 100 at first; with 0 nothing is copied until it is asked again, at once. What it throws
   * ends the backup.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a function without `return` is fine
  readonly progress?: ((progress: ExportProgress) => number | undefined | void) | null
}

/** Where the committed states of a database are read. */
export interface BackupOf extends SnapshotOf {
  /** What runs on its storage. */
  readonly transfers: Transfers
}

type Pages = Pick<Snapshot, 'pages' | 'pageSize' | 'read' | 'take' | 'close'>

/** What is asked for, checked. */
export interface BackupRequest {
  readonly path: string
  readonly progress: NonNullable<BackupOptionsSync['progress']> | undefined
}

/** Checks the arguments of `backup` as better-sqlite3 does. */
export function backupRequest(to: unknown, given: unknown): BackupRequest {
  if (typeof to !== 'string') throw new TypeError('Expected first argument to be a string')
  const options = (given ?? {}) as Record<string, unknown>
  if (typeof options !== 'object') throw new TypeError('Expected second argument to be an options object')
  const path = to.trim()
  const attached = 'attached' in options ? options['attached'] : 'main'
  const progress = options['progress'] ?? undefined
  if (path === '') throw new TypeError('Backup filename cannot be an empty string')
  if (path === ':memory:') throw new TypeError('Invalid backup filename ":memory:"')
  if (typeof attached !== 'string') throw new TypeError('Expected the "attached" option to be a string')
  if (attached === '') throw new TypeError('The "attached" option cannot be an empty string')
  if (progress !== undefined && typeof progress !== 'function') {
    throw new TypeError('Expected the "progress" option to be a function')
  }
  if (!existsSync(dirname(path))) {
    throw new TypeError('Cannot save backup because the directory does not exist')
  }
  if (attached.toLowerCase() !== 'main') throw new SqliteError(`unknown database ${attached}`, SQLITE_ERROR)
  return { path: resolve(path), progress: progress as BackupRequest['progress'] }
}

/** Copies the newest committed state of a database of a store, or the bytes of one in memory. */
export async function backup(
  state: SyncState,
  from: BackupOf | Buffer,
  request: BackupRequest,
): Promise<ExportProgress> {
  const transfers = 'transfers' in from ? from.transfers : new Transfers()
  return await transfers.run(undefined, async (signal) => {
    // Before anything is waited for: what is copied is the state at the call, or a newer one.
    const pages: Pages = 'transfers' in from ? await Snapshot.open(from) : new SerializedPages(from)
    try {
      const file = await PartialFile.create(await placeOf(request.path), true)
      try {
        await copy(pages, file, state, request.progress, signal)
        await file.finish(signal)
      } catch (error) {
        await file.fail()
        throw error
      }
    } finally {
      await pages.close()
    }
    return { totalPages: pages.pages, remainingPages: 0 }
  })
}

/** The file to replace, or to make. One that is no database is left alone. */
async function placeOf(path: string): Promise<string> {
  const begin = Buffer.alloc(MAGIC.length)
  let bytes: number
  try {
    const file = await open(path, 'r')
    try {
      bytes = (await file.read(begin, 0, begin.length, 0)).bytesRead
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return path
    throw new SqliteError('unable to open database file', SQLITE_CANTOPEN)
  }
  if (bytes > 0 && !begin.equals(MAGIC)) throw new SqliteError('file is not a database', SQLITE_NOTADB)
  return await realpath(path)
}

/**
 * Copies step by step, other work of the thread in between. Pages are read and written by the chunk:
 * most steps only count those of the chunk at hand, and wait for nothing but their turn.
 */
async function copy(
  pages: Pages,
  sink: Sink,
  state: SyncState,
  progress: BackupRequest['progress'],
  signal: AbortSignal,
): Promise<void> {
  const total = pages.pages
  let chunk = await readChunk(pages, sink, 0)
  let [copied, step] = [0, STEP_PAGES]
  for (let first = true; ; first = false) {
    await setImmediate()
    signal.throwIfAborted()
    requireOpen(state)
    const end = first ? 0 : Math.min(total, copied + step)
    while (copied < end) {
      copied = Math.min(end, chunk.end)
      if (copied < chunk.end) break
      await sink.write(chunk.bytes)
      chunk = await readChunk(pages, sink, copied)
    }
    if (copied === total) break
    const asked = progress?.({ totalPages: total, remainingPages: total - copied })
    if (asked !== undefined) step = stepOf(asked)
  }
  // It may have been closed while the last chunk was written.
  signal.throwIfAborted()
  requireOpen(state)
}

/** The pages after those that are copied, and up to which one. */
async function readChunk(
  pages: Pages,
  sink: Sink,
  copied: number,
): Promise<{ bytes: Uint8Array; end: number }> {
  const count = Math.min(pages.pages - copied, Math.max(1, Math.floor(CHUNK_BYTES / pages.pageSize)))
  if (count === 0) return { bytes: sink.buffer(0), end: copied }
  const read = await pages.read(copied + 1, count)
  if (read instanceof Failure) throw read.error()
  const bytes = sink.buffer(read)
  pages.take(bytes)
  return { bytes, end: copied + count }
}

function stepOf(asked: unknown): number {
  if (typeof asked !== 'number' || Number.isNaN(asked)) {
    throw new TypeError('Expected progress callback to return a number or undefined')
  }
  return Math.max(0, Math.min(STEP_PAGES_MAX, Math.round(asked)))
}

/** The pages of a database that is in memory as a file. */
class SerializedPages implements Pages {
  readonly pages: number
  readonly pageSize: number
  readonly #bytes: Buffer
  #ready: Buffer = Buffer.alloc(0)

  constructor(bytes: Buffer) {
    // In the header, where 1 stands for 65,536.
    const said = bytes.length === 0 ? 1 : bytes.readUInt16BE(16)
    this.pageSize = said === 1 ? 65_536 : said
    this.pages = bytes.length / this.pageSize
    this.#bytes = bytes
  }

  async read(first: number, count: number): Promise<number> {
    this.#ready = this.#bytes.subarray((first - 1) * this.pageSize, (first - 1 + count) * this.pageSize)
    return this.#ready.length
  }

  take(into: Uint8Array): void {
    into.set(this.#ready)
  }

  async close(): Promise<void> {}
}
