/** Runs statements and prints what they return. */
import type { Queryable } from '../queryable.js';
import type { BindArgs } from '../types.js';
import type { Output } from './output.js';
import { type Settings } from './render/index.js';
import { type Statement } from './sql/scanner.js';
/** How a statement's rows are printed. */
export interface Printing {
    readonly out: Output;
    readonly settings: Settings;
    /** Draw what EXPLAIN returns. */
    readonly plans: boolean;
}
/** What a statement did. */
export interface Outcome {
    readonly rows: number;
    /** Rows changed, where it returns none. */
    readonly changes: number;
    readonly lastInsertRowid: number | bigint;
}
/** Something that can be prepared: a database, or its calls under a signal. */
type Target = Pick<Queryable, 'prepare'>;
/** Runs one statement; prints its rows if that is wanted. */
export declare function runStatement(target: Target, sql: string, args?: BindArgs, printing?: Printing): Promise<Outcome>;
/** Statements of a text that comes in pieces. */
export declare function statementsOf(chunks: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Statement>;
/** Runs something for a statement of a script; a failure names the statement. */
export declare function placed<T>({ sql, line }: Statement, work: () => Promise<T>): Promise<T>;
export {};
