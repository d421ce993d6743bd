/** What a virtual table is made of, and its checks, with the messages of better-sqlite3. */
/** A row: its values in the order of the columns, or by their names. */
export type TableRowSync = readonly unknown[] | Readonly<Record<string, unknown>>;
/** A virtual table. */
export interface TableDefinitionSync {
    /** The names of its columns. */
    readonly columns: readonly string[];
    /**
     * The names of its parameters, at most 32: hidden columns, which SQL gives values as arguments,
     * `name(1, 2)`, or by `=`. Default: `$1`, `$2` and so on, as many as `rows` declares.
     */
    readonly parameters?: readonly string[];
    /** Yields the rows. A parameter that SQL gives no value is `undefined`; with a NULL there are no rows. */
    readonly rows: (...values: any[]) => Generator<TableRowSync, unknown, undefined>;
    /** INTEGER arguments come as bigints. Default: that of the database. */
    readonly safeIntegers?: boolean;
    /** Not to be read by what the schema says: views, triggers. */
    readonly directOnly?: boolean;
}
/** A definition that was checked. */
export interface ParsedTable {
    readonly columns: readonly string[];
    readonly parameters: readonly string[];
    readonly rows: (...values: unknown[]) => Iterator<unknown>;
    readonly safeIntegers: boolean | undefined;
    readonly directOnly: boolean;
}
/** Checks a definition that a program `used` or a factory `returned`. */
export declare function parseTable(given: object, verb: 'used' | 'returned', name: string): ParsedTable;
