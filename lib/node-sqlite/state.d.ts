/** What the objects of one connection share. */
import type { ErrorPayload } from '../../native.cjs';
import type { SyncState } from '../sync/state.js';
/** How the statements of a database read and bind, unless they say otherwise. */
export interface StatementDefaults {
    readonly readBigInts: boolean;
    readonly returnArrays: boolean;
    readonly allowBareNamedParameters: boolean;
    readonly allowUnknownNamedParameters: boolean;
}
/** A connection. One that was closed stays closed: `open()` makes another. */
export declare class NodeState {
    #private;
    readonly handle: number;
    readonly defaults: StatementDefaults;
    /** Calls that are under way: inside one, SQLite has called back. */
    calls: number;
    /** Counts replacements of the database: what was made before one is gone. */
    epoch: number;
    /** What a function that SQLite called has thrown. */
    thrown: {
        readonly error: unknown;
    } | undefined;
    constructor(opened: {
        state: SyncState;
        closed: () => void;
    }, defaults: StatementDefaults);
    /** Whether neither it was closed nor the storage it is in. */
    get open(): boolean;
    /** Closes it, with its statements and recordings. */
    close(): void;
}
/** Whether an answer of the addon is a failure. */
export declare function isFailure(answer: unknown): answer is ErrorPayload;
/** Throws if the connection was closed, or never opened. */
export declare function requireOpen(state: NodeState | undefined): asserts state is NodeState;
/** Makes a call of the addon. What a function of the program's threw goes before its outcome. */
export declare function calling<T>(state: NodeState, call: () => unknown): T;
/** Runs a function of the program's that SQLite has called: nothing may be thrown through SQLite. */
export declare function guarded<T>(state: NodeState, run: () => T, otherwise: T): T;
