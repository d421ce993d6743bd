/** Rows of one run, read one by one. */
import type { SQLRow } from './types.js';
/** What an iterator needs of its statement. */
export interface RowSource {
    /** The next row; `undefined` after the last. */
    next(): SQLRow | undefined;
    /** Ends the reading before its end. */
    close(): void;
}
/** An iterator over what a source has. */
export declare function iteratorOf(source: RowSource): IterableIterator<SQLRow>;
