/** CSV into a table, by the rules of `.import` of the sqlite3 shell. */
import type { Database } from '../../database.js';
import type { TextSource } from '../sources.js';
/** How CSV is imported. */
export interface CsvOptions {
    readonly table: string;
    readonly separator: string;
    /** Rows at the beginning that are passed over. */
    readonly skip: number;
    /** Whether the columns of a table that is made get types by what the first rows hold; else all are TEXT. */
    readonly infer: boolean;
    readonly signal: AbortSignal;
    /** Told of rows that do not fit. */
    readonly warn: (text: string) => void;
    readonly progress: (rows: number) => void;
}
/** What came of it. */
export interface CsvImported {
    readonly table: string;
    readonly rows: number;
    readonly columns: number;
}
/** Fills a table; the first row names its columns if it has to be made. */
export declare function importCsv(db: Database, source: TextSource, options: CsvOptions): Promise<CsvImported>;
/** A number of rows, from the command line. */
export declare function rowCount(word: string): number;
