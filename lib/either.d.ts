/** Statements of which nobody has said whether they return rows. */
import type { Queryable } from './queryable.js';
import { type Shape } from './rows.js';
import type { IntegerMode, RunResult, SqlValue } from './types.js';
/** What a statement gave. */
export interface EitherResult {
    /** Of its columns; `undefined` if it returns none. */
    readonly shape: Shape | undefined;
    readonly rows: SqlValue[][];
    /** What it changed; `undefined` if it returns rows. */
    readonly changes: RunResult | undefined;
}
/** Whether a statement may return rows: never wrong when it says no. */
export declare function mayReturnRows(sql: string): boolean;
/** Whether a statement begins a transaction. */
export declare function beginsTransaction(sql: string): boolean;
/** Whether a statement may write: never wrong when it says no. */
export declare function mayWrite(sql: string): boolean;
/** Runs one statement, for its rows if it returns any. */
export declare function runEither(on: Queryable, sql: string, args: readonly unknown[], integers?: IntegerMode): Promise<EitherResult>;
