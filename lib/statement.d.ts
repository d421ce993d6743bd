/** Prepared statements. */
import type { BindArgs, Column, IntegerMode, Row, RunResult } from './types.js';
/** A statement that stays compiled until `finalize()`, or until its database closes. */
export declare class Statement<T = Row> {
    #private;
    /** Its SQL text. */
    readonly source: string;
    /** Whether it returns rows. */
    readonly reader: boolean;
    /** Whether it leaves the database as it is. */
    readonly readonly: boolean;
    /** Runs it to its end. */
    run(...args: BindArgs): Promise<RunResult>;
    /** The first row; `undefined` if there is none. */
    get(...args: BindArgs): Promise<T | undefined>;
    /** All rows. */
    all(...args: BindArgs): Promise<T[]>;
    /** All rows as arrays. */
    values(...args: BindArgs): Promise<unknown[][]>;
    /** Rows, fetched as they are asked for. */
    iterate(...args: BindArgs): AsyncIterableIterator<T>;
    /** Rows as arrays from now on. */
    raw(on?: boolean): this;
    /** The first column instead of rows from now on. */
    pluck(on?: boolean): this;
    /** How INTEGER values come out from now on. */
    integers(mode: IntegerMode): this;
    /** The columns of its rows. */
    columns(): Column[];
    /** Lets it go. */
    finalize(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}
