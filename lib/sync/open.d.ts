/** Opening a database for synchronous calls. */
import { Storage } from '../storage.js';
import type { DatabaseOptions } from '../types.js';
import { DatabaseSync, type OpenedSync } from './database.js';
import { type Dialect } from './state.js';
/**
 * How `openDatabaseSync` opens. A database of synchronous calls never sleeps, keeps no statements of
 * its own, and leaves no transaction to a timer, so that these options are missing.
 */
export interface OpenSyncOptions extends Omit<DatabaseOptions, 'idleTimeoutMs' | 'transactionTimeoutMs' | 'statementCacheSize' | 'signal' | 'logger'> {
    /** The directory of the store, made if it is missing; or a storage that is open. */
    readonly store: string | Storage;
}
/** What the drop-in class adds to an opening. */
export interface Opening {
    readonly dialect: Dialect;
    readonly mode: number;
    readonly safeIntegers: boolean;
    readonly verbose: ((sql: string) => unknown) | undefined;
}
/** What an opening gives. */
type Open = Pick<OpenedSync, 'state' | 'backedUp' | 'closed'>;
/** Opens an actor's database on this thread, and its store if that is not open yet. */
export declare function openDatabaseSync(actor: string, options: OpenSyncOptions): DatabaseSync;
/** Opens it, and its store; says how it is closed again. */
export declare function openSync(actor: string, options: OpenSyncOptions, opening: Opening): Open;
/** Opens a database in memory, empty or of a SQLite file, which vanishes when it is closed. */
export declare function openMemory(opening: Opening, options?: DatabaseOptions, file?: Uint8Array): Open;
export {};
