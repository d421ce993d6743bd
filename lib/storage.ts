/** Stores of many databases. */

import { resolve } from 'node:path'
import type { StorageMetrics } from '../native.cjs'
import { connectionHandle, request } from './connection.js'
import { Database } from './database.js'
import type { Value } from './decode.js'
import { closedError } from './errors.js'
import { Exporter } from './export.js'
import { importFile } from './import.js'
import { native } from './native.js'
import { Core, Failure } from './scope.js'
import { databaseSettings, storageSettings } from './settings.js'
import { isTraced, messageOf, traced } from './trace.js'
import { Transfers } from './transfers.js'
import type {
  Damage,
  DatabaseOptions,
  DatabaseStat,
  ExportDestination,
  ExportInfo,
  ImportInfo,
  ImportOptions,
  ImportSource,
  ListOptions,
  NamespaceOptions,
  StorageExportOptions,
  StorageOptions,
  VerifyReport,
} from './types.js'
import {
  checkActor,
  checkDatabaseOptions,
  checkDestination,
  checkImportOptions,
  checkListOptions,
  checkNamespace,
  checkNamespaceOptions,
  checkQuota,
  checkSource,
  checkStorageExportOptions,
  checkStorageOptions,
} from './validate.js'

const nothing = (): undefined => undefined
const unchanged = (handle: number): number => handle

/** Names of a page unless the caller says how many. */
const NAMES_OF_PAGE = 1000

/** Storages that were dropped without `close()`. */
const dropped = new FinalizationRegistry<number>((handle) => {
  native.releaseStorage(connectionHandle, handle)
})

/** A store that is open. All of a process that name one directory share one instance. */
export class Storage {
  /** The directory. */
  readonly path: string
  readonly #handle: number
  readonly #options: StorageOptions
  /** By handle; weakly, so that a database that is dropped is noticed. */
  readonly #databases = new Map<number, WeakRef<Database>>()
  /** Databases that are being opened. */
  readonly #opening = new Set<Promise<Database>>()
  /** Close its synchronous databases. */
  readonly #closers = new Set<() => void>()
  readonly #transfers = new Transfers()
  #closed: Promise<void> | undefined
  #metrics: StorageMetrics | undefined

  /** @internal */
  constructor(handle: number, path: string, options: StorageOptions) {
    this.path = path
    this.#handle = handle
    this.#options = options
    dropped.register(this, handle, this)
  }

  /** Opens an actor's database, and fences whoever had it open. */
  async open(actor: string, options: DatabaseOptions = {}): Promise<Database> {
    checkActor(actor)
    checkDatabaseOptions(options)
    return await this._open(actor, options, async () => {})
  }

  /** The namespace of a database, by its options. */
  #namespaceOf(options: NamespaceOptions): string {
    return options.namespace ?? this.#options.namespace ?? ''
  }

  /** @internal */
  async _open(actor: string, options: DatabaseOptions, closed: () => Promise<void>): Promise<Database> {
    if (this.#closed !== undefined) throw closedError('storage')
    const { signal } = options
    signal?.throwIfAborted()
    const core = { name: actor, namespace: this.#namespaceOf(options) }
    const start = () => this.#start(actor, options, closed)
    const opening = isTraced() ? traced(messageOf({ core }, 'open'), start) : start()
    this.#opening.add(opening)
    let database: Database
    try {
      database = await opening
    } finally {
      this.#opening.delete(opening)
    }
    if (this.#closed === undefined && !signal?.aborted) return database
    await database.close()
    throw signal?.aborted ? signal.reason : closedError('storage')
  }

  async #start(actor: string, options: DatabaseOptions, closed: () => Promise<void>): Promise<Database> {
    const { logger = this.#options.logger, integers = 'number' } = options
    const settings = databaseSettings(actor, options, this.#options)
    const handle = await request(
      (connection, id) => native.openDatabase(connection, id, this.#handle, settings),
      unchanged,
    )
    if (handle instanceof Failure) throw handle.error()
    const database = new Database({
      core: new Core(handle, actor, settings.namespace, integers, logger),
      readonly: options.readonly ?? false,
      queryTimeoutMs: options.queryTimeoutMs ?? -1,
      transactionTimeoutMs: options.transactionTimeoutMs ?? -1,
      exporter: this.#exporter(settings.namespace, actor),
      closed: async () => {
        this.#databases.delete(handle)
        await closed()
      },
    })
    this.#databases.set(handle, new WeakRef(database))
    return database
  }

  /**
   * What synchronous databases need to open here: their closers are called before the store goes.
   *
   * @internal
   */
  _inside(): {
    handle: number
    options: StorageOptions
    closers: Set<() => void>
    transfers: Transfers
  } {
    if (this.#closed !== undefined) throw closedError('storage')
    const [handle, options, closers, transfers] = [
      this.#handle,
      this.#options,
      this.#closers,
      this.#transfers,
    ]
    return { handle, options, closers, transfers }
  }

  /** Counters of the store, for all its databases, as they stand now. Can be read after `close()`. */
  get metrics(): StorageMetrics {
    return this.#metrics ?? native.storageMetrics(connectionHandle, this.#handle)
  }

  /**
   * The names of the actors of a namespace that have a database, in the order of their bytes of UTF-8, page
   * by page: `for await (const names of storage.list({ prefix: 'room-' })) …`. An actor that is there all
   * the time is listed once; one that comes or goes meanwhile may be.
   */
  list(options: ListOptions = {}): AsyncGenerator<string[], void, undefined> {
    checkListOptions(options)
    return this.#pages(options)
  }

  async *#pages(options: ListOptions): AsyncGenerator<string[], void, undefined> {
    let { after } = options
    while (true) {
      const names = await this.#page({ ...options, after })
      if (names.length > 0) yield names
      if (names.length < (options.limit ?? NAMES_OF_PAGE)) return
      after = names.at(-1)
    }
  }

  /** One page of `list`. The next one comes `after` its last name; one with fewer than `limit` is the last. */
  async listPage(options: ListOptions = {}): Promise<string[]> {
    checkListOptions(options)
    return await this.#page(options)
  }

  async #page(options: ListOptions): Promise<string[]> {
    const { prefix = '', after, limit = NAMES_OF_PAGE } = options
    const which = { namespace: this.#namespaceOf(options), prefix, after, limit }
    return (await this.#fact((connection, id) =>
      native.listDatabases(connection, id, this.#handle, which),
    )) as string[]
  }

  /** Whether an actor has a database. */
  async exists(actor: string, options: NamespaceOptions = {}): Promise<boolean> {
    return (await this.#ask(actor, options, native.databaseExists)) as boolean
  }

  /**
   * Deletes an actor's database with all its history, whoever has it open, and says whether there was one.
   * Its handles get `ERR_FENCED`, and none of them can bring anything of it back, nor write to a later
   * database of the same name. Once this has answered, the deletion is on disk.
   */
  async delete(actor: string, options: NamespaceOptions = {}): Promise<boolean> {
    return (await this.#ask(actor, options, native.deleteDatabase)) as boolean
  }

  /** What the store knows of a database, without opening it; `undefined` if there is none. */
  async stat(actor: string, options: NamespaceOptions = {}): Promise<DatabaseStat | undefined> {
    const stat = (await this.#ask(actor, options, native.statDatabase)) as DatabaseStat | null | undefined
    return stat ?? undefined
  }

  /**
   * Reads every row of a database and checks every checksum, without opening it and while others may
   * write to it. Damage is in the report, and not an error.
   */
  async verify(actor: string, options: NamespaceOptions = {}): Promise<VerifyReport> {
    return (await this.#ask(actor, options, native.verifyDatabase)) as VerifyReport
  }

  /**
   * Writes the newest committed state of a database to a file, or a stream, that any SQLite opens,
   * without opening it and while others may write to it.
   */
  async export(
    actor: string,
    to: ExportDestination,
    options: StorageExportOptions = {},
  ): Promise<ExportInfo> {
    checkActor(actor)
    checkDestination(to)
    checkStorageExportOptions(options)
    if (this.#closed !== undefined) throw closedError('storage')
    return await this.#exporter(this.#namespaceOf(options), actor).export(to, options)
  }

  /**
   * Makes a database of a SQLite file: checked by SQLite, and in one commit. Whoever has the database
   * open is fenced.
   */
  async import(actor: string, from: ImportSource, options: ImportOptions = {}): Promise<ImportInfo> {
    checkActor(actor)
    checkSource(from)
    checkImportOptions(options)
    if (this.#closed !== undefined) throw closedError('storage')
    const of = { storage: this.#handle, namespace: this.#namespaceOf(options), actor }
    return await this.#transfers.run(options.signal, (signal) => importFile(of, from, options, signal))
  }

  #exporter(namespace: string, actor: string): Exporter {
    return new Exporter({ storage: this.#handle, namespace, actor }, this.#transfers)
  }

  /** What all databases of a namespace store together, in bytes. 0 for the empty one, which is not counted. */
  async namespaceUsage(namespace: string): Promise<number> {
    checkNamespace(namespace)
    return (await this.#fact((connection, id) =>
      native.namespaceUsage(connection, id, this.#handle, namespace),
    )) as number
  }

  /**
   * Limits what all databases of a namespace may store together, until this storage's process ends;
   * `null` for no limit. The empty namespace has none.
   */
  setNamespaceQuota(namespace: string, bytes: number | null): void {
    checkNamespace(namespace)
    checkQuota(bytes)
    native.setNamespaceQuota(connectionHandle, this.#handle, namespace, bytes)
  }

  /** The damaged rows that were found in the background, oldest first; the last 1000 at most. */
  damage(): Damage[] {
    return native.storageDamage(connectionHandle, this.#handle)
  }

  async #ask(actor: string, options: NamespaceOptions, ask: typeof native.statDatabase): Promise<unknown> {
    checkActor(actor)
    checkNamespaceOptions(options)
    const namespace = this.#namespaceOf(options)
    return await this.#fact((connection, id) => ask(connection, id, this.#handle, namespace, actor))
  }

  async #fact(ask: (connection: number, request: number) => void): Promise<unknown> {
    if (this.#closed !== undefined) throw closedError('storage')
    const fact = await request(ask, (reply: Value) => reply.value)
    if (fact instanceof Failure) throw fact.error()
    return fact
  }

  /** Closes its databases, and lets the store go. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    dropped.unregister(this)
    await Promise.allSettled(this.#opening)
    await this.#transfers.stop(closedError('storage'))
    await Promise.allSettled([...this.#databases.values()].map((database) => database.deref()?.close()))
    for (const close of this.#closers) close()
    this.#metrics = native.storageMetrics(connectionHandle, this.#handle)
    const done = await request((connection, id) => native.closeStorage(connection, id, this.#handle), nothing)
    if (done instanceof Failure) throw done.error()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Opens a store. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  checkStorageOptions(options)
  return await open(options)
}

async function open(options: StorageOptions): Promise<Storage> {
  const path = resolve(options.store)
  const settings = storageSettings(path, options)
  const handle = await request((connection, id) => native.openStorage(connection, id, settings), unchanged)
  if (handle instanceof Failure) throw handle.error()
  return new Storage(handle, path, options)
}

/** How `openDatabase` opens: the options of a database, and its store. */
export interface OpenOptions extends DatabaseOptions {
  /** The directory of the store, made if it is missing; or a storage that is open. */
  readonly store: string | Storage
}

/** Opens an actor's database, and its store if that is not open yet. */
export async function openDatabase(actor: string, options: OpenOptions): Promise<Database> {
  checkActor(actor)
  const { store, ...rest } = (options ?? {}) as OpenOptions
  if (store instanceof Storage) return await store.open(actor, rest)
  checkDatabaseOptions(rest)
  checkStorageOptions({ store })
  const storage = await open({ store })
  try {
    return await storage._open(actor, rest, () => storage.close())
  } catch (error) {
    await storage.close()
    throw error
  }
}
