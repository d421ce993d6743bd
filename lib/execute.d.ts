/** One execution of one statement. */
import { type Source } from './encode.js';
import { type Chunk, type RowForm } from './rows.js';
import { type Failure, type Scope } from './scope.js';
import type { RunResult } from './types.js';
/** Sends one execution. */
export declare function execute<R extends Chunk | RunResult, T>(scope: Scope, depth: number, source: Source, want: number, args: readonly unknown[], convert: (reply: R) => T): Promise<T | Failure>;
/** The first row of a chunk in a form. */
export declare function firstRow(form: RowForm): (chunk: Chunk) => unknown;
