/** Opens stores and databases, and never makes one by accident. */
import type { Database } from '../database.js';
import { type Storage } from '../storage.js';
import type { DatabaseOptions } from '../types.js';
import type { Context } from './command.js';
/** Whether a directory holds a store: RocksDB names its newest state in this file. */
export declare function isStore(directory: string): boolean;
/** Opens the store for as long as `work` takes. */
export declare function withStorage<T>(context: Context, work: (storage: Storage) => Promise<T>, create?: boolean, open?: () => Promise<Storage>): Promise<T>;
/** Opens an actor's database for as long as `work` takes. It must be there, if it may not be made. */
export declare function withDatabase<T>(context: Context, actor: string, work: (db: Database, storage: Storage) => Promise<T>, { createStore, ...options }?: DatabaseOptions & {
    createStore?: boolean;
}): Promise<T>;
/** The words of a command. */
export declare function words(context: Context, ...names: string[]): string[];
