/** The types of the public surface. */

import type { Writable } from 'node:stream'

/** A value as it comes out of SQLite. */
export type SqlValue = null | number | bigint | string | Uint8Array

/**
 * A value that can be bound. Numbers that are safe integers bind as INTEGER, other numbers (and -0)
 * as REAL; booleans as 0 and 1; views and buffers as blobs of their bytes. `undefined`, `Date` and
 * other objects are refused.
 */
export type SqlInput = SqlValue | boolean | ArrayBuffer | SharedArrayBuffer | ArrayBufferView

/** Parameters by name, with or without prefix: `{ a: 1 }` for `:a`, `@a` or `$a`. */
export type NamedParameters = Readonly<Record<string, SqlInput>>

/** Parameters of one run: by position, as a list or one array, or by name as one plain object. */
export type BindArgs =
  | readonly []
  | readonly SqlInput[]
  | readonly [readonly SqlInput[]]
  | readonly [NamedParameters]

/** A row as an object. Of columns with the same name the last one wins. */
export type Row = Record<string, SqlValue>

/**
 * How INTEGER values come out. An error of a value is found after the statement has run: what an
 * INSERT … RETURNING or a batch wrote stays.
 */
export type IntegerMode =
  /** Numbers; a `RangeError` for one outside ±(2^53 - 1). */
  | 'number'
  /** Bigints, always. */
  | 'bigint'
  /** Numbers where exact, else bigints. */
  | 'auto'

/** How a transaction begins. */
export type TransactionBehavior = 'deferred' | 'immediate' | 'exclusive'

/** When an answer is given: after all that it rests on is on disk, or as soon as it is ordered. */
export type Durability = 'strict' | 'gated'

/** SQLite's run-time limits, by name. */
export interface SqlLimits {
  readonly length?: number
  readonly sqlLength?: number
  readonly column?: number
  readonly exprDepth?: number
  readonly compoundSelect?: number
  readonly vdbeOp?: number
  readonly functionArg?: number
  readonly likePatternLength?: number
  readonly variableNumber?: number
  readonly triggerDepth?: number
}

/** A logger in pino's shape. */
export interface Logger {
  debug(details: object, message?: string): void
  info(details: object, message?: string): void
  warn(details: object, message?: string): void
  error(details: object, message?: string): void
}

/** How a storage is opened. The first opening in a process settles the options of its directory. */
export interface StorageOptions {
  /** The directory of the store; made if it is missing. */
  readonly store: string
  /** The namespace of databases that name none. Default: the empty one. */
  readonly namespace?: string
  /** The durability of databases that name none. Default: `'strict'`. */
  readonly durability?: Durability
  /** Bytes of pages that are kept in memory for all databases together. Default: 64 MiB. */
  readonly cacheBytes?: number
  /** Bytes of memory of the store itself, its block cache and write buffers together. Default: 256 MiB. */
  readonly memoryBytes?: number
  /**
   * The most databases that are awake at a time, each with a connection and its memory. Beyond it those
   * left alone the longest sleep at once; one that is in use, or never sleeps, stays. Default: 4096.
   */
  readonly awakeMax?: number
  /** The most bytes one database may store: beyond it a commit is `ERR_QUOTA`. Default: no limit. */
  readonly quotaBytes?: number
  /**
   * The most bytes the databases of one namespace may store together. The empty namespace has no
   * quota. Default: no limit. See `setNamespaceQuota` for limits of single namespaces.
   */
  readonly namespaceQuotaBytes?: number
  /** How much of old states stays in the store. */
  readonly retention?: RetentionOptions
  /** Bytes a second at which the store is read through for damage in the background; 0 for never. Default: 1 MiB. */
  readonly scrubBytesPerSecond?: number
  /** Told of what goes wrong beside any call. */
  readonly logger?: Logger
}

/**
 * Old states stay as long as any of `commits` and `ageMs` asks for them, but never more than `bytes` a
 * database.
 */
export interface RetentionOptions {
  /** The newest so many commits. Default: 8. */
  readonly commits?: number
  /** Commits not older than this. Default: 0. */
  readonly ageMs?: number
  /** The most bytes that stay for it, of each database. */
  readonly bytes?: number
}

/** Which namespace an actor's name is in. */
export interface NamespaceOptions {
  /** Default: the storage's. */
  readonly namespace?: string
}

/** Which actors are listed, and how many at a time. */
export interface ListOptions extends NamespaceOptions {
  /** What their names begin with. Default: all. */
  readonly prefix?: string
  /** Only names behind this one, in the order of their bytes of UTF-8; it need not be an actor's. */
  readonly after?: string
  /** The most names of a page, 10,000 at most. Default: 1000. */
  readonly limit?: number
}

/** What a store knows of one database. */
export interface DatabaseStat {
  /** The number of the newest committed state; 0 before the first commit. */
  readonly txid: number
  /** The fencing number of the last claim. */
  readonly generation: number
  /** Bytes a page. */
  readonly pageSize: number
  /** The size in pages. */
  readonly pages: number
  /** Bytes of keys and values in the store: what a quota counts. */
  readonly storedBytes: number
  /** Commits not yet folded into shards. */
  readonly deltaCount: number
  /** When the last commit was made, in milliseconds since the Unix epoch. */
  readonly committedAtMs: number
}

/** What a walk over every row of a database found. */
export interface VerifyReport {
  /** Rows read. */
  readonly rows: number
  /** Their keys and values, in bytes. */
  readonly bytes: number
  /** Pages decoded and checked. */
  readonly pages: number
  /** What is wrong; empty for a sound database. */
  readonly damage: readonly Damage[]
}

/** A row that is damaged. */
export interface Damage {
  readonly namespace: string
  readonly actor: string
  /** The row, in words: `DELTA 12 chunk 0`. */
  readonly row: string
  /** What is wrong with it. */
  readonly reason: string
}

/** How a database of an open storage is opened. */
export interface DatabaseOptions {
  /** The namespace of the actor's name. Default: the storage's. */
  readonly namespace?: string
  /** Default: the storage's, else `'strict'`. */
  readonly durability?: Durability
  /** Refuse all writes. Default: `false`. */
  readonly readonly?: boolean
  /** Make the database if there is none; else that is `ERR_NOT_FOUND`. Default: `true`. */
  readonly create?: boolean
  /** Bytes a page of a database that is made: a power of two, 512 to 65536. Default: 4096. */
  readonly pageSize?: number
  /** Bytes of SQLite's own cache for this database. */
  readonly cacheBytes?: number
  /** How INTEGER values come out. Default: `'number'`. */
  readonly integers?: IntegerMode
  /** Enforce foreign keys. Default: `true`. */
  readonly foreignKeys?: boolean
  /** How many statements stay prepared. Default: 128. */
  readonly statementCacheSize?: number
  /** How long a call may take, queueing included, if it does not say. Default: for ever. */
  readonly queryTimeoutMs?: number
  /** How long a transaction may stay open, if it does not say. Default: for ever. */
  readonly transactionTimeoutMs?: number
  /**
   * How long a database must be left alone before it gives up its memory, which comes back with the
   * next call; 0 for never. A transaction, an iterator or a temporary table holds it. Default: 30000.
   */
  readonly idleTimeoutMs?: number
  /** The most bytes the database may store, where the storage's `quotaBytes` is not smaller. */
  readonly quotaBytes?: number
  /** SQLite's limits, each at most its default. */
  readonly limits?: SqlLimits
  /** Told of what goes wrong beside any call. */
  readonly logger?: Logger
  /** Gives up opening. */
  readonly signal?: AbortSignal
}

/** What a statement changed. */
export interface RunResult {
  /** Rows inserted, updated or deleted by the statement itself. */
  changes: number
  /** The rowid of the last insert; a bigint where a number is not exact. */
  lastInsertRowid: number | bigint
}

/** A result column and where it comes from, as far as SQLite knows. */
export interface Column {
  name: string
  column: string | null
  table: string | null
  database: string | null
  type: string | null
}

/** What came of one statement of a batch. */
export interface ResultSet {
  columns: string[]
  columnTypes: (string | null)[]
  rows: SqlValue[][]
  rowsAffected: number
  lastInsertRowid: number | bigint
}

/** One statement of a batch. */
export type BatchStatement =
  | string
  | { readonly sql: string; readonly args?: readonly SqlInput[] | NamedParameters }

/** What applies to single calls: see `with`. */
export interface CallOptions {
  /** Interrupts the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** How long the call may take, queueing included. */
  readonly timeoutMs?: number
}

/** How one transaction runs. */
export interface TransactionOptions {
  /** Rolls the transaction back, whose call then rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** How long it may stay open before it is rolled back. */
  readonly timeoutMs?: number
  /** Default: `'deferred'`. */
  readonly behavior?: TransactionBehavior
}

/** How a batch runs. */
export interface BatchOptions {
  /** Default: `'deferred'`. */
  readonly behavior?: TransactionBehavior
}

/** How a pragma's result is shaped. */
export interface PragmaOptions {
  /** The first column of the first row instead of all rows. */
  readonly simple?: boolean
}

/** Where an export goes: the path of a file, or a stream, which is ended. */
export type ExportDestination = string | URL | WritableStream<Uint8Array> | Writable

/** How far an export is. */
export interface ExportProgress {
  readonly totalPages: number
  readonly remainingPages: number
}

/** How a database is exported. */
export interface ExportOptions {
  /** Replace a file that exists; else that is `ERR_EXISTS`. Default: `false`. */
  readonly overwrite?: boolean
  /** Gives up: the call rejects with the signal's reason, and nothing is left behind. */
  readonly signal?: AbortSignal
  /** Told after each chunk of about 1 MiB. What it throws ends the export. */
  readonly onProgress?: (progress: ExportProgress) => void
}

/** How a database is exported that need not be open. */
export interface StorageExportOptions extends ExportOptions, NamespaceOptions {}

/** How a database is serialized. */
export interface SerializeOptions {
  /** Gives up. */
  readonly signal?: AbortSignal
}

/** What was exported. */
export interface ExportInfo {
  readonly pages: number
  readonly bytes: number
  /** Of all bytes, in hexadecimal digits. */
  readonly sha256: string
}

/** What is imported: the path of a file, its bytes, or its bytes part by part. */
export type ImportSource = string | URL | Uint8Array | AsyncIterable<Uint8Array>

/** How far an import is. */
export interface ImportProgress {
  /** Read so far. */
  readonly bytes: number
  /** Of all; not known of what comes part by part. */
  readonly totalBytes: number | undefined
}

/** How a file is imported. */
export interface ImportOptions extends NamespaceOptions {
  /** Replace a database that exists; else that is `ERR_EXISTS`. Default: `false`. */
  readonly overwrite?: boolean
  /** Gives up: the call rejects with the signal's reason, and the store is as it was. */
  readonly signal?: AbortSignal
  /** Told after each chunk of at most 1 MiB. What it throws ends the import. */
  readonly onProgress?: (progress: ImportProgress) => void
}

/** What was imported. */
export interface ImportInfo {
  readonly pages: number
  readonly bytes: number
  /** Of all bytes as they came, in hexadecimal digits. */
  readonly sha256: string
}
