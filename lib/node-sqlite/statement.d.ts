/** Statements. */
import { type NodeState } from './state.js';
import type { PrepareOptions, StatementSync as Statement } from './types.js';
/** The class of statements, which cannot be constructed. */
export declare const StatementSync: {
    new (): Statement;
    readonly prototype: Statement;
};
export type StatementSync = Statement;
/** Compiles the first statement of a text; what follows it is left alone. */
export declare function prepare(database: object, state: NodeState, sql: unknown, options?: PrepareOptions): Statement;
/** SQLite takes a NUL for the end of a text. */
export declare function upToNul(sql: string): string;
