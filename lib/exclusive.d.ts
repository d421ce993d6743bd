/** Work that needs the connection for itself, and no transaction around it. */
import type { Database } from './database.js';
import { Queryable } from './queryable.js';
import { type Scope } from './scope.js';
/**
 * Runs a callback that has the connection to itself: other calls wait until it has ended, as they
 * do for a transaction. What it changes outside a transaction of its own stays; a transaction that
 * it leaves open is rolled back. With `waitMs` it is begun within that time or not at all.
 */
export declare function exclusively<T>(database: Database, callback: (alone: Queryable) => Promise<T>, waitMs?: number): Promise<T>;
/** Runs a script that puts things right, however late it is and however many wait. Never rejects. */
export declare function runAnyway(scope: Scope, script: string): Promise<void>;
/**
 * The same without foreign keys enforced, as a table cannot be rebuilt under them; they are as they
 * were when it has ended, whatever happened.
 */
export declare function withoutForeignKeys<T>(database: Database, callback: (alone: Queryable) => Promise<T>, waitMs?: number): Promise<T>;
