/** Databases. */

import { connectionHandle } from '../connection.js'
import { native } from '../native.js'
import { setAuthorizer } from './authorizer.js'
import { constructible } from './construct.js'
import { invalidArgType, invalidState } from './errors.js'
import { defineAggregate, defineFunction } from './functions.js'
import { beginBackup, deserialize, type Source, serialize } from './image.js'
import { limitsObject } from './limits.js'
import { type Checked, checked, openState } from './open.js'
import { requireBoolean, requireString } from './options.js'
import { type Location, locationOf } from './place.js'
import { applyChangeset, createSession } from './session.js'
import { calling, type NodeState, requireOpen } from './state.js'
import { prepare, upToNul } from './statement.js'
import { createTagStore } from './tags.js'
import type {
  AggregateOptions,
  ApplyChangesetOptions,
  Authorizer,
  BackupOptions,
  CreateSessionOptions,
  DatabaseLimits,
  DatabaseSyncOptions,
  DeserializeOptions,
  FunctionOptions,
  PrepareOptions,
  Session,
  SQLInputValue,
  SQLTagStore,
  StatementSync,
} from './types.js'

const DEFENSIVE = 0

/** Connections whose database was dropped without `close()`. */
const dropped = new FinalizationRegistry<NodeState>((state) => {
  if (state.open) state.close()
})

class DatabaseSyncImpl {
  readonly #location: Location
  readonly #options: Checked
  #state: NodeState | undefined
  #unlimited: readonly number[] = []
  #limits: DatabaseLimits | undefined

  constructor(path: string | Uint8Array | URL, ...options: [options?: DatabaseSyncOptions]) {
    this.#location = locationOf(path)
    this.#options = checked(options[0], options.length > 0)
    Object.defineProperty(this, Symbol.for('sqlite-type'), {
      value: 'node:sqlite',
      writable: true,
      enumerable: true,
      configurable: true,
    })
    if (this.#options.open) this.open()
  }

  /** Whether it is open. */
  get isOpen(): boolean {
    return this.#state?.open ?? false
  }

  /** Whether a transaction is open. */
  get isTransaction(): boolean {
    const { handle } = this.#open()
    return native.syncInTransaction(connectionHandle, handle)
  }

  /** SQLite's limits, which can be set; `Infinity` puts one back. */
  get limits(): DatabaseLimits {
    this.#limits ??= limitsObject(() => ({ state: this.#state, unlimited: this.#unlimited }))
    return this.#limits
  }

  /** Opens it, if the options said that it is opened later, or after `close()`. */
  open(): void {
    if (this.isOpen) throw invalidState('database is already open')
    const { state, unlimited } = openState(this.#location, this.#options)
    this.#state = state
    this.#unlimited = unlimited
    dropped.register(this, state, this)
  }

  /** Drops what is not committed and lets the database go, with all its statements. */
  close(): void {
    const state = this.#open()
    if (state.calls > 0) throw invalidState('database cannot be closed while in a callback')
    dropped.unregister(this)
    state.close()
  }

  [Symbol.dispose](): void {
    if (this.isOpen) this.close()
  }

  /** Compiles the first statement of a text. */
  prepare(sql: string, options?: PrepareOptions): StatementSync {
    return prepare(this, this.#open(), sql, options)
  }

  /** Runs all statements of a text. */
  exec(sql: string): void {
    const state = this.#open()
    requireString(sql, 'sql')
    calling(state, () => native.syncExec(connectionHandle, state.handle, upToNul(sql)))
  }

  /** Has SQL call a function of the program's by a name. */
  function(name: string, work: (...values: never[]) => SQLInputValue): void
  function(name: string, options: FunctionOptions, work: (...values: never[]) => SQLInputValue): void
  function(...given: readonly unknown[]): void {
    defineFunction(this, this.#open(), ...given)
  }

  /** Has SQL call an aggregate of the program's by a name. */
  aggregate<T>(name: string, options: AggregateOptions<T>): void {
    defineAggregate(this, this.#open(), name, options)
  }

  /** A store of statements by their templates, of so many at most. */
  createTagStore(maxSize?: number): SQLTagStore {
    this.#open()
    return createTagStore(this as unknown as DatabaseSync, maxSize)
  }

  /** Its path; `null` where it is in memory, or there is no such schema. */
  location(dbName?: string): string | null {
    this.#open()
    if (dbName !== undefined) requireString(dbName, 'dbName')
    const { memory, path } = this.#location
    return memory || (dbName ?? 'main') !== 'main' ? null : path
  }

  /** Begins to record what changes. */
  createSession(options?: CreateSessionOptions): Session {
    return createSession(this, this.#open(), options)
  }

  /** Makes recorded changes; `false` if it was aborted because something did not fit. */
  applyChangeset(changeset: Uint8Array, options?: ApplyChangesetOptions): boolean {
    return applyChangeset(this.#open(), changeset, options)
  }

  /** Has a function asked what each statement may do, or none any more. It may forbid, not allow more. */
  setAuthorizer(callback: Authorizer | null): void {
    setAuthorizer(this, this.#open(), callback)
  }

  /** The bytes of its file, what is not committed among them. */
  serialize(dbName?: string): Uint8Array {
    return serialize(this.#open(), dbName)
  }

  /** Replaces it by what `serialize()` made; its statements are finalized. */
  deserialize(buffer: Uint8Array, options?: DeserializeOptions): void {
    const state = this.#open()
    if (state.calls > 0) throw invalidState('database cannot be deserialized while in a callback')
    deserialize(state, buffer, options)
  }

  /** Turns SQLite's defensive mode on or off. */
  enableDefensive(active: boolean): void {
    const state = this.#open()
    requireBoolean(active, 'active')
    calling(state, () => native.syncConfigure(connectionHandle, state.handle, DEFENSIVE, active))
  }

  /** Refused, unless it is to be off. */
  enableLoadExtension(allow: boolean): void {
    this.#open()
    if (requireBoolean(allow, 'allow')) {
      throw invalidState('Cannot enable extension loading because it was disabled at database creation.')
    }
  }

  /** Refused: no call loads code into the process. */
  loadExtension(_path: string): void {
    this.#open()
    throw invalidState('extension loading is not allowed')
  }

  #open(): NodeState {
    const state = this.#state
    requireOpen(state)
    return state
  }

  /** @internal */
  static source(database: unknown): Source {
    if (typeof database === 'object' && database !== null && #state in database) {
      return { state: database.#open(), options: database.#options }
    }
    throw invalidArgType('The "sourceDb" argument must be an object.')
  }
}

const { source } = DatabaseSyncImpl
Reflect.deleteProperty(DatabaseSyncImpl, 'source')

/**
 * Copies a database to where a path leads, in the store of the first one; what is there is replaced. The
 * promise is of the number of pages.
 */
export function backup(
  sourceDb: DatabaseSync,
  path: string | Uint8Array | URL,
  ...options: [options?: BackupOptions]
): Promise<number> {
  return beginBackup(source(sourceDb), path, ...options)
}

/** One actor's database, used by the thread that opened it. */
export interface DatabaseSync extends DatabaseSyncImpl {}

/** The class of databases. */
export const DatabaseSync: {
  new (path: string | Uint8Array | URL, options?: DatabaseSyncOptions): DatabaseSync
  readonly prototype: DatabaseSync
} = constructible(DatabaseSyncImpl, 'DatabaseSync', true) as never
