/** Formats of files, by their names. */
/** Formats, and the endings of file names that stand for them. */
declare const ENDINGS: {
    readonly db: readonly [".db", ".sqlite", ".sqlite3", ".db3"];
    readonly sql: readonly [".sql"];
    readonly csv: readonly [".csv"];
    readonly tsv: readonly [".tsv", ".tab"];
    readonly json: readonly [".json"];
};
export type Format = keyof typeof ENDINGS;
/** The format that `--format` or the end of a file's name says. */
export declare function formatOf<F extends Format>(file: string, option: string | boolean | undefined, allowed: readonly F[]): F;
/** The table that a file is named after. */
export declare function tableOf(file: string): string;
export {};
