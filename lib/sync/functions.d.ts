/** Functions of JavaScript that SQL can call. They run on this thread, while a statement runs. */
import { type SyncState } from './state.js';
/** How a function is registered. */
export interface FunctionOptionsSync {
    /** Takes any number of arguments, instead of as many as the function declares. */
    readonly varargs?: boolean;
    /** The same arguments always give the same answer: indexes may use it. */
    readonly deterministic?: boolean;
    /** Not to be called by what the schema says: views, triggers, constraints. */
    readonly directOnly?: boolean;
    /** INTEGER arguments come as bigints. */
    readonly safeIntegers?: boolean;
}
/** An aggregate: `step` takes each row in, `result` tells what came of them. */
export interface AggregateOptionsSync<T> extends FunctionOptionsSync {
    /** What an aggregate begins with, or a function that makes it. Default: `null`. */
    readonly start?: T | (() => T);
    /** Takes a row; what it returns goes on, unless that is `undefined`. */
    readonly step: (total: T, ...values: any[]) => unknown;
    /** Takes a row out again: makes it a window function. */
    readonly inverse?: (total: T, ...values: any[]) => unknown;
    /** The answer. Default: the total itself. */
    readonly result?: (total: T) => unknown;
}
/** Registers a function; the options may be left out. */
export declare function defineFunction(state: SyncState, name: unknown, given: unknown, second: unknown): void;
/** Registers an aggregate. */
export declare function defineAggregate(state: SyncState, name: unknown, given: unknown): void;
