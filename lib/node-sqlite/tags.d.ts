/** Statements by the template they are written as. */
import type { DatabaseSync } from './database.js';
import type { SQLTagStore as TagStore } from './types.js';
/** A store of so many statements. */
export declare function createTagStore(db: DatabaseSync, maxSize: unknown): TagStore;
