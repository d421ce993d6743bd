/** Values on their way in, and rows on their way out, as @libsql/client has them. */
import type { InArgs, InStatement, IntMode, ResultSet } from '@libsql/core/api';
import type { Shape } from '../rows.js';
import type { IntegerMode, ResultSet as OwnResultSet, RunResult, SqlInput, SqlValue } from '../types.js';
/** A statement as callers give it. */
export type Statement = InStatement | [string, InArgs?];
/** A statement with its arguments converted. */
export interface Converted {
    readonly sql: string;
    /** As the calls of a database take them after the text; of a batch the first is all of them. */
    readonly args: readonly [readonly SqlInput[] | Record<string, SqlInput>] | readonly [];
}
/** How a database has to give integers so that they can be had in a mode. */
export declare const INTEGERS: Record<IntMode, IntegerMode>;
/** Converts a statement as callers give it. */
export declare function converted(statement: Statement, mode: IntMode): Converted;
/** The result of one statement. */
export declare function resultSet({ shape, rows, changes }: {
    shape: Shape | undefined;
    rows: SqlValue[][];
    changes: RunResult | undefined;
}, mode: IntMode): ResultSet;
/** The result of one statement of a batch. */
export declare function batchResultSet(result: OwnResultSet, mode: IntMode): ResultSet;
