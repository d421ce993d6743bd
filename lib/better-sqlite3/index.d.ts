/**
 * The class of better-sqlite3 over the databases of actors.
 *
 * @module
 */
import { DatabaseSync } from '../sync/database.js';
import { Statement } from './open.js';
import type { Options } from './options.js';
import { SqliteError } from './sqlite-error.js';
export type { BackupOptionsSync as BackupOptions } from '../sync/backup.js';
export type { DatabaseSync, PragmaOptionsSync as PragmaOptions } from '../sync/database.js';
export type { TransactionFn as Transaction } from '../sync/transaction.js';
export type { RunResult } from '../types.js';
export type { Options } from './options.js';
export { SqliteError, Statement };
/** Opens a database, with or without `new`. */
export interface DatabaseConstructor {
    new (filename?: string | Buffer | null, options?: Options | null): DatabaseSync;
    (filename?: string | Buffer | null, options?: Options | null): DatabaseSync;
    readonly prototype: DatabaseSync;
    readonly SqliteError: typeof SqliteError;
}
/** A database of better-sqlite3, kept as an actor. */
declare const Database: DatabaseConstructor;
export type Database = DatabaseSync;
export { Database, Database as default, Database as 'module.exports' };
