/** Cells as the addon hands them over, and the rows made of them. */
import type { SQLRow } from './types.js';
/** The addon's number for integers that come as bigints only where a number cannot hold them. */
export declare const INTEGERS_AUTO = 2;
/** The addon's number for integers that come as bigints. */
export declare const INTEGERS_BIGINT = 1;
/** Reads the rows of one statement, and remembers its columns. */
export declare class RowReader {
    #private;
    /** The shape that is known; 0 before the first row. */
    shape: number;
    /** All rows of an answer. */
    rows(answer: unknown, bigints: boolean, arrays: boolean): SQLRow[];
}
/** An integer that no number holds. */
export declare function tooLarge(value: bigint): RangeError;
