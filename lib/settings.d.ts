/** Options of openings as the addon takes them. */
import type { NativeDatabaseOptions, NativeStorageOptions } from '../native.cjs';
import type { DatabaseOptions, StorageOptions } from './types.js';
/** Who opens, in words for people: what a fenced owner and a second process are shown. */
export declare const OWNER: string;
/** Of a store. */
export declare function storageSettings(path: string, options: StorageOptions): NativeStorageOptions;
/** Of a database; `defaults` are those of its storage. */
export declare function databaseSettings(actor: string, options: DatabaseOptions, defaults: Pick<StorageOptions, 'namespace' | 'durability'>): NativeDatabaseOptions;
