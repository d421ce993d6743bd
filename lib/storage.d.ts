/** Stores of many databases. */
import type { StorageMetrics } from '../native.cjs';
import { Database } from './database.js';
import type { DatabaseOptions, StorageOptions } from './types.js';
/** A store that is open. All of a process that name one directory share one instance. */
export declare class Storage {
    #private;
    /** The directory. */
    readonly path: string;
    /** Opens an actor's database, and fences whoever had it open. */
    open(actor: string, options?: DatabaseOptions): Promise<Database>;
    /** Counters of the store, for all its databases, as they stand now. Can be read after `close()`. */
    get metrics(): StorageMetrics;
    /** Closes its databases, and lets the store go. */
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}
/** Opens a store. */
export declare function openStorage(options: StorageOptions): Promise<Storage>;
/** How `openDatabase` opens: the options of a database, and its store. */
export interface OpenOptions extends DatabaseOptions {
    /** The directory of the store, made if it is missing; or a storage that is open. */
    readonly store: string | Storage;
}
/** Opens an actor's database, and its store if that is not open yet. */
export declare function openDatabase(actor: string, options: OpenOptions): Promise<Database>;
