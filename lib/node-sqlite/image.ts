/** Databases as the bytes of their files. */

import { connectionHandle } from '../connection.js'
import { native } from '../native.js'
import { invalidArgType, invalidArgValue, outOfRange, sqliteError } from './errors.js'
import { type Checked, openState } from './open.js'
import {
  functionOption,
  integerOption,
  optionalOptions,
  optionsObject,
  requireString,
  stringOption,
} from './options.js'
import { type Location, locationOf } from './place.js'
import { calling, type NodeState } from './state.js'
import type { BackupOptions, DeserializeOptions } from './types.js'

const SQLITE_ERROR = 1
/** Where the header of a database says its page size. */
const PAGE_SIZE_AT = 16
const RATE = 100
/** `ATTACH` is refused: there are no others. */
const SCHEMAS = ['main', 'temp']

function unknownDatabase(name: string): Error {
  return sqliteError(`unknown database ${name}`, SQLITE_ERROR)
}

/** The bytes of a schema's database. */
export function serialize(state: NodeState, dbName: unknown): Uint8Array {
  const name = dbName === undefined ? 'main' : requireString(dbName, 'dbName')
  if (!SCHEMAS.includes(name.toLowerCase())) throw unknownDatabase(name)
  const image = calling<Buffer>(state, () => native.syncSerialize(connectionHandle, state.handle, name))
  return new Uint8Array(image.buffer, image.byteOffset, image.byteLength)
}

/** Replaces the database by that of an image. */
export function deserialize(state: NodeState, image: unknown, options: DeserializeOptions | undefined): void {
  if (!(image instanceof Uint8Array)) {
    throw invalidArgType('The "buffer" argument must be a Uint8Array.')
  }
  if (image.byteLength === 0) throw invalidArgValue('The "buffer" argument must not be empty.')
  const name = stringOption(optionalOptions(options), 'dbName', 'main')
  if (name !== 'main') throw unknownDatabase(name)
  replace(state, image)
}

function replace(state: NodeState, image: Uint8Array): void {
  calling(state, () => native.syncDeserialize(connectionHandle, state.handle, image))
  state.epoch += 1
}

/** What a backup begins with. */
export interface Source {
  readonly state: NodeState
  readonly options: Checked
}

/** Checks a backup's arguments, and begins it. */
export function beginBackup(source: Source, path: unknown, ...given: readonly unknown[]): Promise<number> {
  const location = locationOf(path)
  const options = given.length > 0 ? optionsObject(given[0]) : {}
  const from = stringOption(options, 'source', 'main')
  const to = stringOption(options, 'target', 'main')
  const rate = integerOption(options, 'rate', RATE)
  if (rate < 1) throw outOfRange('The "options.rate" argument must be a positive integer.')
  const progress = functionOption(options, 'progress') as BackupOptions['progress']
  return copy(source, location, { source: from, target: to, rate, progress })
}

/**
 * The source is read at once, so that the copy is of one state, and written at once, in one transaction;
 * in between the program is told of the pages as if they were copied `rate` at a time.
 */
async function copy(
  source: Source,
  location: Location,
  options: BackupOptions & { source: string; target: string; rate: number },
): Promise<number> {
  const image = serialize(source.state, options.source)
  if (options.target !== 'main') throw unknownDatabase(options.target)
  const pages = pagesOf(image)
  for (let remaining = pages - options.rate; remaining > 0; remaining -= options.rate) {
    await new Promise(setImmediate)
    options.progress?.({ totalPages: pages, remainingPages: remaining })
  }
  await new Promise(setImmediate)
  const { state } = openState(location, { ...source.options, readOnly: false, limits: {} })
  try {
    if (pages > 0) replace(state, image)
  } finally {
    state.close()
  }
  return pages
}

function pagesOf(image: Uint8Array): number {
  if (image.byteLength === 0) return 0
  const field = new DataView(image.buffer, image.byteOffset).getUint16(PAGE_SIZE_AT)
  // The largest does not fit its field, which says 1.
  return image.byteLength / (field === 1 ? 65_536 : field)
}
