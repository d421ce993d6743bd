/** Replies as they come from the addon: one flat array a drain. Layout: crates/node/src/encode.rs. */
import { Failure } from './errors.js';
import { type Chunk } from './rows.js';
import type { Column, RunResult } from './types.js';
/** A prepared statement as the addon describes it. */
export interface Prepared {
    readonly id: number;
    readonly reader: boolean;
    readonly readonly: boolean;
    readonly columns: readonly Column[];
}
/** One result of a batch. */
export interface BatchResult {
    readonly changes: RunResult;
    readonly rows: Chunk | undefined;
}
/**
 * What a reply holds: nothing, a handle or an id, changes, a chunk of rows, a prepared statement,
 * the results of a batch, any other value, or a failure.
 */
export type Reply = undefined | number | RunResult | Chunk | Prepared | readonly BatchResult[] | Value | Failure;
/** Any value, as the addon made it. */
export interface Value {
    readonly value: unknown;
}
/** Reads replies, and remembers shapes. */
export declare class ReplyReader {
    #private;
    /** Calls back with each reply of a drain, in order; of rows that come in parts, with each part. */
    read(values: readonly unknown[], reply: (request: number, reply: Reply, part: boolean) => void): void;
}
