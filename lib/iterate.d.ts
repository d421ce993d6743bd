/** Results that are read as they are asked for. */
import { type Statement } from './execute.js';
import { type RowForm } from './rows.js';
import { type Scope } from './scope.js';
/** Rows of one execution. Nothing is sent before the first `next()`. */
export declare class RowIterator<T> implements AsyncIterableIterator<T> {
    #private;
    constructor(scope: Scope, depth: number, statement: Statement, form: RowForm, args: readonly unknown[]);
    next(): Promise<IteratorResult<T, undefined>>;
    /** Ends the statement before its last row. */
    return(): Promise<IteratorResult<T, undefined>>;
    [Symbol.asyncIterator](): this;
    [Symbol.asyncDispose](): Promise<void>;
}
