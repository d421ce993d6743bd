/** One execution of one statement. */
import { type Source } from './encode.js';
import { type Chunk, type RowForm } from './rows.js';
import { type Failure, type Scope } from './scope.js';
import { type TraceOperation } from './trace.js';
import type { RunResult } from './types.js';
/** SQL text, or a statement that was prepared of it. */
export type Statement = string | {
    readonly id: number;
    readonly source: string;
};
/** What the addon knows a statement by. */
export declare const idOf: (statement: Statement) => Source;
/** The SQL text of a statement. */
export declare const textOf: (statement: Statement) => string;
/** Sends one execution. */
export declare function execute<R extends Chunk | RunResult, T>(scope: Scope, depth: number, operation: TraceOperation, statement: Statement, want: number, args: readonly unknown[], convert: (reply: R) => T): Promise<T | Failure>;
/** The first row of a chunk in a form. */
export declare function firstRow(form: RowForm): (chunk: Chunk) => unknown;
