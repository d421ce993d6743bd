/** Rows of one run, read one by one. */
/** What an iterator needs of its statement. */
export interface RowSource<T> {
    /** The next row; `undefined` after the last, when the reading has ended. */
    next(): {
        readonly value: T;
    } | undefined;
    /** Ends the reading before its end. */
    close(): void;
}
/** Ends by itself after the last row, or by `return()`, which a loop calls that is left. */
export declare class RowIteratorSync<T> implements IterableIterator<T> {
    #private;
    next(): IteratorResult<T, undefined>;
    return(): IteratorResult<T, undefined>;
    [Symbol.iterator](): this;
}
