/** SQLite files that become databases. */

import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { NativeImported } from '../native.cjs'
import { request } from './connection.js'
import type { Value } from './decode.js'
import { Failure } from './errors.js'
import { native } from './native.js'
import { OWNER } from './settings.js'
import type { SnapshotOf } from './snapshot.js'
import { BytesSource, FileSource, IterableSource, type Source } from './sources.js'
import type { ImportInfo, ImportOptions, ImportSource } from './types.js'

const nothing = (): undefined => undefined

/** Imports a file into a database of a storage; nothing of it stays if that fails. */
export async function importFile(
  { storage, namespace, actor }: SnapshotOf,
  from: ImportSource,
  options: ImportOptions,
  signal: AbortSignal,
): Promise<ImportInfo> {
  const { overwrite = false, onProgress } = options
  signal.throwIfAborted()
  let handle = 0
  const begun = await request((connection, id) => {
    handle = native.openImport(connection, id, storage, { namespace, actor, owner: OWNER, overwrite })
  }, nothing)
  // Once only: what it was told last stops it.
  let closing: Promise<unknown> | undefined
  const close = (): void => {
    closing ??= request((connection, id) => native.closeImport(connection, id, handle), nothing)
  }
  try {
    if (begun instanceof Failure) throw begun.error()
    signal.addEventListener('abort', close, { once: true })
    const source = await sourceOf(from, signal)
    try {
      const { bytes, sha256 } = await send(handle, source, signal, onProgress)
      const { pages } = await finish(handle, signal)
      return { pages, bytes, sha256 }
    } finally {
      await source.close()
    }
  } finally {
    signal.removeEventListener('abort', close)
    close()
    await closing
  }
}

/** Hands a chunk over while the next one is read. */
async function send(
  handle: number,
  source: Source,
  signal: AbortSignal,
  onProgress: ImportOptions['onProgress'],
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  let taken: Promise<undefined | Failure> = Promise.resolve(undefined)
  for (;;) {
    const chunk = await source.next()
    const before = await taken
    signal.throwIfAborted()
    if (before instanceof Failure) throw before.error()
    if (chunk === undefined) break
    // It copies the chunk, whose buffer may be used again at once.
    taken = request((connection, id) => native.writeImport(connection, id, handle, chunk), nothing)
    hash.update(chunk)
    bytes += chunk.length
    onProgress?.({ bytes, totalBytes: source.totalBytes })
  }
  await source.check()
  return { bytes, sha256: hash.digest('hex') }
}

/** What was committed when the signal came stays, and is no failure. */
async function finish(handle: number, signal: AbortSignal): Promise<NativeImported> {
  signal.throwIfAborted()
  const imported = await request(
    (connection, id) => native.finishImport(connection, id, handle),
    ({ value }: Value) => value as NativeImported,
  )
  if (!(imported instanceof Failure)) return imported
  signal.throwIfAborted()
  throw imported.error()
}

async function sourceOf(from: ImportSource, signal: AbortSignal): Promise<Source> {
  if (from instanceof Uint8Array) return new BytesSource(from)
  if (typeof from === 'string') return await FileSource.open(from)
  if (from instanceof URL) return await FileSource.open(fileURLToPath(from))
  return new IterableSource(from, signal)
}
