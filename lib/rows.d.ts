/**
 * Rows as they come from the addon, and the objects and arrays made of them.
 *
 * Cells stand row by row in one flat array, shared by all replies that came together. Blobs of a
 * chunk are views of one `ArrayBuffer`.
 */
import type { Row, SqlValue } from './types.js';
/** The columns of a result; cached by id. */
export interface Shape {
    readonly names: readonly string[];
    readonly types: readonly (string | null)[];
    readonly objects: ObjectFactory;
}
/** A chunk of rows in a flat array. */
export interface Chunk {
    readonly shape: Shape;
    readonly count: number;
    /** Where to read on; 0 after the last chunk. */
    readonly cursor: number;
    readonly cells: readonly unknown[];
    /** Where the first cell is. */
    readonly at: number;
}
/** Makes row objects of one list of columns. */
export declare class ObjectFactory {
    #private;
    constructor(names: readonly string[]);
    rows(cells: readonly unknown[], at: number, count: number): Row[];
}
/** All rows of a chunk as objects. */
export declare function asObjects(chunk: Chunk): Row[];
/** All rows of a chunk as arrays. */
export declare function asArrays(chunk: Chunk): SqlValue[][];
/** The first value of each row of a chunk. */
export declare function asFirstValues(chunk: Chunk): SqlValue[];
/** What rows are made into. */
export type RowForm = 'object' | 'array' | 'first';
/** All rows of a chunk in a form. */
export declare function rowsOf(chunk: Chunk, form: RowForm): unknown[];
