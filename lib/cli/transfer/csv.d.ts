/** Reads CSV: RFC 4180, and what the sqlite3 shell takes beyond it. */
/** A row and the line that it begins on, from 1. */
export interface CsvRow {
    readonly fields: string[];
    readonly line: number;
}
/** Takes text piece by piece and gives rows as they are complete. */
export declare class CsvReader {
    #private;
    constructor(separator: string);
    /** Adds text; gives the rows that it completes. */
    push(text: string): CsvRow[];
    /** The rows that the end of the text completes. */
    end(): CsvRow[];
}
