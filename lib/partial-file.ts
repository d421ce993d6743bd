/** Files that are there whole, or not at all. */

import { randomBytes } from 'node:crypto'
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StorageError } from './errors.js'
import { ReusedBuffer, type Sink } from './sinks.js'

/** What SQLite would take for the journal of a database file, and play into it. */
const JOURNALS = ['-journal', '-wal']

/** What a file system says that has no hard links. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'])

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

/** A file beside the one that is meant, which takes its place in the end. */
export class PartialFile implements Sink {
  readonly #path: string
  readonly #overwrite: boolean
  readonly #partial: string
  readonly #handle: FileHandle
  readonly #buffer = new ReusedBuffer()
  /** A file has its name that had not been there. */
  #made = false

  private constructor(path: string, overwrite: boolean, partial: string, handle: FileHandle) {
    this.#path = path
    this.#overwrite = overwrite
    this.#partial = partial
    this.#handle = handle
  }

  /** Begins a file; an existing one is refused unless it may be overwritten. */
  static async create(path: string, overwrite: boolean): Promise<PartialFile> {
    await refuseExisting(path, overwrite)
    const partial = `${path}.partial-${process.pid}-${randomBytes(6).toString('hex')}`
    return new PartialFile(path, overwrite, partial, await open(partial, 'wx'))
  }

  buffer(bytes: number): Uint8Array {
    return this.#buffer.get(bytes)
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      at += (await this.#handle.write(chunk, at)).bytesWritten
    }
  }

  async finish(signal: AbortSignal): Promise<void> {
    await this.#handle.sync()
    await this.#handle.close()
    signal.throwIfAborted()
    await refuseExisting(this.#path, this.#overwrite)
    if (this.#overwrite) await rename(this.#partial, this.#path)
    else await this.#link()
    await syncDirectory(dirname(this.#path))
  }

  async fail(): Promise<void> {
    // It waits for a write that is under way, and does nothing if the file is closed.
    await this.#handle.close().catch(() => {})
    // What is told is why it failed, not what remains.
    await rm(this.#partial, { force: true }).catch(() => {})
    if (this.#made) await rm(this.#path, { force: true }).catch(() => {})
  }

  /** Gives the file its name unless somebody else has taken that by now. */
  async #link(): Promise<void> {
    try {
      await link(this.#partial, this.#path)
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw existsError(this.#path)
      if (!NO_LINKS.has(codeOf(error) ?? '')) throw error
      await rename(this.#partial, this.#path)
    }
    this.#made = true
    await rm(this.#partial, { force: true })
  }
}

/** Throws if the file is there, or a journal that would be played into it. */
async function refuseExisting(path: string, overwrite: boolean): Promise<void> {
  const names = JOURNALS.map((suffix) => path + suffix)
  if (!overwrite) names.unshift(path)
  for (const name of names) {
    if (await exists(name)) throw existsError(name)
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

function existsError(path: string): StorageError {
  return new StorageError(`${path} exists already`, 'ERR_EXISTS', { path })
}

/** Makes a name durable. Windows has no such call, and needs none. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
