/** Opening a database for synchronous calls. */
import { Storage } from '../storage.js';
import type { DatabaseOptions } from '../types.js';
import { DatabaseSync } from './database.js';
import { type Dialect, type SyncState } from './state.js';
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
/** Opens an actor's database on this thread, and its store if that is not open yet. */
export declare function openDatabaseSync(actor: string, options: OpenSyncOptions): DatabaseSync;
/** Opens it, and its store; says how it is closed again. */
export declare function openSync(actor: string, options: OpenSyncOptions, opening: Opening): {
    state: SyncState;
    closed: () => void;
};
/** Opens a database in memory, which vanishes when it is closed. */
export declare function openMemory(opening: Opening, options?: DatabaseOptions): {
    state: SyncState;
    closed: () => void;
};
