/** Opening a database for synchronous calls. */

import { resolve } from 'node:path'
import { connectionHandle } from '../connection.js'
import { native } from '../native.js'
import { databaseSettings, storageSettings } from '../settings.js'
import { Storage } from '../storage.js'
import { Transfers } from '../transfers.js'
import type { DatabaseOptions, IntegerMode } from '../types.js'
import { checkActor, checkStorageOptions, checkSyncOptions } from '../validate.js'
import { DatabaseSync, type OpenedSync } from './database.js'
import { type Dialect, errorOf, isFailure, Mode, type SyncState } from './state.js'

/**
 * How `openDatabaseSync` opens. A database of synchronous calls never sleeps, keeps no statements of
 * its own, and leaves no transaction to a timer, so that these options are missing.
 */
export interface OpenSyncOptions
  extends Omit<
    DatabaseOptions,
    'idleTimeoutMs' | 'transactionTimeoutMs' | 'statementCacheSize' | 'signal' | 'logger'
  > {
  /** The directory of the store, made if it is missing; or a storage that is open. */
  readonly store: string | Storage
}

/** What the drop-in class adds to an opening. */
export interface Opening {
  readonly dialect: Dialect
  readonly mode: number
  readonly safeIntegers: boolean
  readonly verbose: ((sql: string) => unknown) | undefined
}

/** What an opening gives. */
type Open = Pick<OpenedSync, 'state' | 'backedUp' | 'closed'>

const MODES: Record<IntegerMode, number> = { number: Mode.number, bigint: Mode.number, auto: Mode.auto }

/** Opens an actor's database on this thread, and its store if that is not open yet. */
export function openDatabaseSync(actor: string, options: OpenSyncOptions): DatabaseSync {
  const { integers = 'number' } = options ?? {}
  const opened = openSync(actor, options, {
    dialect: { exact: false },
    mode: MODES[integers] ?? Mode.number,
    safeIntegers: integers === 'bigint',
    verbose: undefined,
  })
  return new DatabaseSync({ ...opened, name: actor, memory: false, readonly: options.readonly ?? false })
}

/** Opens it, and its store; says how it is closed again. */
export function openSync(actor: string, options: OpenSyncOptions, opening: Opening): Open {
  checkActor(actor)
  const { store, ...rest } = (options ?? {}) as OpenSyncOptions
  checkSyncOptions(rest)
  if (store instanceof Storage) return attach(store, actor, rest, opening)
  checkStorageOptions({ store })
  const path = resolve(store)
  const handle = answered(native.syncOpenStorage(connectionHandle, storageSettings(path, { store })))
  const closeStorage = (): void => native.syncCloseStorage(connectionHandle, handle)
  try {
    const settings = databaseSettings(actor, rest, {})
    const backedUp = { storage: handle, namespace: settings.namespace, actor, transfers: new Transfers() }
    return { state: open(handle, settings, opening), backedUp, closed: closeStorage }
  } catch (error) {
    closeStorage()
    throw error
  }
}

/** Opens a database in memory, empty or of a SQLite file, which vanishes when it is closed. */
export function openMemory(opening: Opening, options: DatabaseOptions = {}, file?: Uint8Array): Open {
  const settings = databaseSettings('memory', options, {})
  const handle = answered(native.syncOpenMemory(connectionHandle, settings, opening.dialect.exact, file))
  return { state: stateOf(handle, opening), backedUp: undefined, closed: () => {} }
}

/** Opens it in a storage that is open, whose end is its end. */
function attach(storage: Storage, actor: string, options: DatabaseOptions, opening: Opening): Open {
  const { handle, options: defaults, closers, transfers } = storage._inside()
  const settings = databaseSettings(actor, options, defaults)
  const state = open(handle, settings, opening)
  const close = (): void => {
    if (!state.open) return
    state.open = false
    native.syncClose(connectionHandle, state.handle)
  }
  closers.add(close)
  const backedUp = { storage: handle, namespace: settings.namespace, actor, transfers }
  return { state, backedUp, closed: () => void closers.delete(close) }
}

function open(storage: number, settings: ReturnType<typeof databaseSettings>, opening: Opening): SyncState {
  const { exact } = opening.dialect
  return stateOf(answered(native.syncOpen(connectionHandle, storage, settings, exact)), opening)
}

function stateOf(handle: number, opening: Opening): SyncState {
  const { dialect, mode, safeIntegers, verbose } = opening
  const calls = { open: true, busy: false, iterators: 0, unsafe: false, thrown: undefined }
  return { handle, dialect, mode, safeIntegers, verbose, ...calls }
}

function answered(answer: unknown): number {
  if (isFailure(answer)) throw errorOf({ thrown: undefined } as SyncState, answer)
  return answer as number
}
