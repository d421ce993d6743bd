/** The types of `node:sqlite`, as far as they are not classes. */

import type { Storage } from '../storage.js'
import type { Durability } from '../types.js'
import type { DatabaseSync } from './database.js'

/** A value that SQLite stores, as it comes out. */
export type SQLOutputValue = null | number | bigint | string | Uint8Array

/** A value that SQLite stores, as it goes in. */
export type SQLInputValue =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | NodeJS.ArrayBufferView
  | ArrayBufferLike

/** A row: an object without a prototype, or with `returnArrays` an array. */
export type SQLRow = Record<string, SQLOutputValue>

/** Values by the names of parameters. */
export type SQLNamedValues = Readonly<Record<string, SQLInputValue>>

/** What a run has changed: numbers, or bigints where integers are read as such. */
export interface StatementResultingChanges {
  /** Rows changed by the newest INSERT, UPDATE or DELETE of the connection. */
  readonly changes: number | bigint
  /** The rowid of the newest insert of the connection. */
  readonly lastInsertRowid: number | bigint
}

/** A column of a result. */
export interface StatementColumnMetadata {
  /** The column of a table it comes from; `null` if it is an expression. */
  readonly column: string | null
  readonly database: string | null
  readonly name: string
  readonly table: string | null
  /** The declared type. */
  readonly type: string | null
}

/** What SQLite counts about a statement. */
export type StatementStatistic =
  | 'fullscanStep'
  | 'sort'
  | 'autoindex'
  | 'vmStep'
  | 'reprepare'
  | 'run'
  | 'filterMiss'
  | 'filterHit'
  | 'memused'

/** How a statement reads and binds. */
export interface PrepareOptions {
  readonly readBigInts?: boolean
  readonly returnArrays?: boolean
  readonly allowBareNamedParameters?: boolean
  readonly allowUnknownNamedParameters?: boolean
}

/** SQLite's run-time limits. */
export interface DatabaseLimits {
  length: number
  sqlLength: number
  column: number
  exprDepth: number
  compoundSelect: number
  vdbeOp: number
  functionArg: number
  attach: number
  likePatternLength: number
  variableNumber: number
  triggerDepth: number
}

/** What is recorded. */
export interface CreateSessionOptions {
  /** One table; all if it is not given. */
  readonly table?: string
  /** `main`, unless it is `temp`. */
  readonly db?: string
}

/** What decides while changes are applied. */
export interface ApplyChangesetOptions {
  /** Whether the changes of a table are applied. */
  readonly filter?: (tableName: string) => boolean
  /** What to do about a change that does not fit: one of `SQLITE_CHANGESET_OMIT`, `_REPLACE`, `_ABORT`. */
  readonly onConflict?: (conflictType: number) => number
}

/** Says what a statement may do. */
export type Authorizer = (
  actionCode: number,
  arg1: string | null,
  arg2: string | null,
  dbName: string | null,
  triggerOrView: string | null,
) => number

/** How a database is opened: the options of `node:sqlite`, and where it is kept. */
export interface DatabaseSyncOptions extends PrepareOptions {
  /** Open it at once. Default: `true`. */
  readonly open?: boolean
  /** Refuse writes; the database must be there. Default: `false`. */
  readonly readOnly?: boolean
  /** Checked and of no effect: a database has one owner, and nobody to wait for. */
  readonly timeout?: number
  /** Default: `true`. */
  readonly enableForeignKeyConstraints?: boolean
  /** Default: `false`. */
  readonly enableDoubleQuotedStringLiterals?: boolean
  /** Nothing that SQL does may damage the database. Default: `true`. */
  readonly defensive?: boolean
  /** Refused if it is `true`. */
  readonly allowExtension?: boolean
  readonly limits?: Partial<DatabaseLimits>
  /**
   * The store to keep the database in, where its path is the actor's name. Default: the environment's
   * `ACTOR_SQLITE_STORE`; without that the directory `.actor-sqlite` beside the named file.
   */
  readonly store?: string | Storage
  /** The namespace of the actor. Default: the storage's, else the empty one. */
  readonly namespace?: string
  /** Default: the storage's, else `'strict'`. */
  readonly durability?: Durability
}

/** A compiled statement. Made by `prepare()`. */
export interface StatementSync extends Disposable {
  /** The SQL text it was made of. */
  readonly sourceSQL: string
  /** The SQL text with the values of the newest run in the place of its parameters. */
  readonly expandedSQL: string
  /** Runs it, and returns all rows. Values: by position, after those by name in one object. */
  all(...values: SQLInputValue[]): SQLRow[]
  all(named: SQLNamedValues, ...values: SQLInputValue[]): SQLRow[]
  /** Runs it, and returns the first row; `undefined` if there is none. */
  get(...values: SQLInputValue[]): SQLRow | undefined
  get(named: SQLNamedValues, ...values: SQLInputValue[]): SQLRow | undefined
  /** Runs it, and returns its rows as they are asked for. The next run of it ends that. */
  iterate(...values: SQLInputValue[]): IterableIterator<SQLRow>
  iterate(named: SQLNamedValues, ...values: SQLInputValue[]): IterableIterator<SQLRow>
  /** Runs it, and says what was changed. */
  run(...values: SQLInputValue[]): StatementResultingChanges
  run(named: SQLNamedValues, ...values: SQLInputValue[]): StatementResultingChanges
  /** The columns of its rows. */
  columns(): StatementColumnMetadata[]
  /** One of SQLite's counters of it. */
  stat(counter: StatementStatistic): number
  /** Sets its counters to 0. */
  resetStats(): void
  /** Whether names may be given without their prefix. */
  setAllowBareNamedParameters(enabled: boolean): void
  /** Whether names may be given that it does not have. */
  setAllowUnknownNamedParameters(enabled: boolean): void
  /** Whether INTEGER values come out as bigints. */
  setReadBigInts(enabled: boolean): void
  /** Whether rows come out as arrays. */
  setReturnArrays(enabled: boolean): void
  /** Lets it go. */
  close(): void
}

/** A recording of what changes. Made by `createSession()`. */
export interface Session extends Disposable {
  /** What has changed since it began, with the values that were there before. */
  changeset(): Uint8Array
  /** What has changed since it began, more compact: conflicts are not all found. */
  patchset(): Uint8Array
  /** Ends it. */
  close(): void
}

/** Statements by the template they are written as, the least recently used go. Made by `createTagStore()`. */
export interface SQLTagStore {
  /** How many statements are kept. */
  readonly capacity: number
  /** How many there are. */
  readonly size: number
  readonly db: DatabaseSync
  /** Runs the statement of a template, and returns all rows. */
  all(strings: TemplateStringsArray, ...values: SQLInputValue[]): SQLRow[]
  /** Runs the statement of a template, and returns the first row; `undefined` if there is none. */
  get(strings: TemplateStringsArray, ...values: SQLInputValue[]): SQLRow | undefined
  /** Runs the statement of a template, and returns its rows as they are asked for. */
  iterate(strings: TemplateStringsArray, ...values: SQLInputValue[]): IterableIterator<SQLRow>
  /** Runs the statement of a template, and says what was changed. */
  run(strings: TemplateStringsArray, ...values: SQLInputValue[]): StatementResultingChanges
  /** Forgets its statements. */
  clear(): void
}

/** Which database an image replaces. */
export interface DeserializeOptions {
  /** `main`, and no other. */
  readonly dbName?: string
}

/** How a backup is made. */
export interface BackupOptions {
  /** Default: `main`. */
  readonly source?: string
  /** `main`, and no other. */
  readonly target?: string
  /** Pages between two calls of `progress`. Default: 100. */
  readonly rate?: number
  /** Told how far it is, but not at the end. What it throws ends the backup. */
  readonly progress?: ((progress: { totalPages: number; remainingPages: number }) => void) | undefined
}

/** How a function is registered. */
export interface FunctionOptions {
  /** The same arguments always give the same answer: indexes may use it. */
  readonly deterministic?: boolean
  /** Not to be called by what the schema says: views, triggers, generated columns. */
  readonly directOnly?: boolean
  /** INTEGER arguments come as bigints. */
  readonly useBigIntArguments?: boolean
  /** Takes any number of arguments, instead of as many as the function declares. */
  readonly varargs?: boolean
}

/** An aggregate. */
export interface AggregateOptions<T> extends Omit<FunctionOptions, 'deterministic'> {
  /** What an aggregate begins with, or a function that makes it. */
  readonly start: T | (() => T)
  /** Takes a row; what it returns goes on. */
  // biome-ignore lint/suspicious/noExplicitAny: any other type would refuse callers' own functions
  readonly step: (total: T, ...values: any[]) => T
  /** Takes a row out again: makes it a window function. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly inverse?: (total: T, ...values: any[]) => T
  /** The answer. Default: the total itself. */
  readonly result?: (total: T) => SQLInputValue
}
