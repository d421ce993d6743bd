/** How rows become what a query of drizzle promised. */
import type { SelectedFieldsOrdered } from 'drizzle-orm/sqlite-core';
/** Makes the results of relational queries. */
export type ResultMapper = (rows: unknown[][], mapColumnValue?: (value: unknown) => unknown) => unknown;
/** What a query says of its rows. */
export interface Mapping {
    readonly fields: SelectedFieldsOrdered | undefined;
    readonly mapper: ResultMapper | undefined;
}
/** Whether rows are mapped from arrays; else they are given as objects. */
export declare function isMapped({ fields, mapper }: Mapping): boolean;
/** All rows of a query. `query` knows which tables of a join may be absent. */
export declare function mapAll(mapping: Mapping, query: object, rows: unknown[][]): unknown;
/** The first row of a query. */
export declare function mapFirst(mapping: Mapping, query: object, row: unknown[] | undefined): unknown;
/** Rows of a batch as objects. */
export declare function objectsOf({ columns, rows, }: {
    readonly columns: readonly string[];
    readonly rows: readonly unknown[][];
}): Record<string, unknown>[];
