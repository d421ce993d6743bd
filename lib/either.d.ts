/** Statements of which nobody has said whether they return rows. */
import type { Queryable } from './queryable.js';
import { type Chunk, type Shape } from './rows.js';
import type { IntegerMode, RunResult, SqlValue } from './types.js';
/** What a statement gave. */
export interface EitherResult<T = SqlValue[]> {
    /** Of its columns; `undefined` if it returns none. */
    readonly shape: Shape | undefined;
    readonly rows: T[];
    /** What it changed; `undefined` if it returns rows. */
    readonly changes: RunResult | undefined;
}
/** Whether a statement may return rows: never wrong when it says no. */
export declare function mayReturnRows(sql: string): boolean;
/** Whether a statement begins a transaction. */
export declare function beginsTransaction(sql: string): boolean;
/** Whether a statement may write: never wrong when it says no. */
export declare function mayWrite(sql: string): boolean;
/** Runs one statement for its rows in a form, all or the first; of one without rows for what it changes. */
export declare function runEither<T = SqlValue[]>(on: Queryable, sql: string, args: readonly unknown[], rowsOf: (chunk: Chunk) => T[], options?: {
    readonly integers?: IntegerMode;
    readonly first?: boolean;
}): Promise<EitherResult<T>>;
/** Runs one statement for what it changes; of one that only reads that is nothing. */
export declare function runForChanges(on: Queryable, sql: string, args: readonly unknown[]): Promise<RunResult>;
