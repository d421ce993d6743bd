/** Statements of a synchronous database. */
import type { Column, Row, RunResult } from '../types.js';
import type { DatabaseSync } from './database.js';
import { RowIteratorSync } from './iterator.js';
import { type SyncState } from './state.js';
/** Parameters of one run: by position, as lists and arrays, and by name in one plain object. */
export type SyncBindArgs = readonly unknown[];
/** A prepared statement as the addon describes it. */
export interface PreparedSync {
    readonly id: number;
    readonly reader: boolean;
    readonly readonly: boolean;
    readonly parameters: readonly (string | null)[];
}
/** A compiled statement, until its database is closed or it is dropped. */
export declare class StatementSync<T = Row> {
    #private;
    /** Its database. */
    readonly database: DatabaseSync;
    /** Its SQL text. */
    readonly source: string;
    /** Whether it returns rows. */
    readonly reader: boolean;
    /** Whether it leaves the database as it is. */
    readonly readonly: boolean;
    /** Whether its rows are being read. */
    get busy(): boolean;
    /** Runs it to its end. */
    run(...args: SyncBindArgs): RunResult;
    /** The first row; `undefined` if there is none. */
    get(...args: SyncBindArgs): T | undefined;
    /** All rows. */
    all(...args: SyncBindArgs): T[];
    /**
     * Rows, read as they are asked for. Until the iterator has ended nothing is written through this
     * database, and it is not closed.
     */
    iterate(...args: SyncBindArgs): RowIteratorSync<T>;
    /** Binds values for good: its runs are given none any more. */
    bind(...args: SyncBindArgs): this;
    /** The first column instead of rows from now on. */
    pluck(...on: [on?: boolean]): this;
    /** Rows as objects by table from now on. */
    expand(...on: [on?: boolean]): this;
    /** Rows as arrays from now on. */
    raw(...on: [on?: boolean]): this;
    /** The SQL text, with the values that are bound for good in their places. */
    toString(): string;
    /** INTEGER values as bigints from now on. */
    safeIntegers(...on: [on?: boolean]): this;
    /** The columns of its rows, as they stand now. */
    columns(): Column[];
}
/** The value of a switch, which is on if it is not given. */
export declare function toggle(given: readonly unknown[]): boolean;
/** Compiles one statement. */
export declare function prepareSync(state: SyncState, sql: string): PreparedSync;
