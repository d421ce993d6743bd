/** Cells as the addon hands them over, and the rows made of them. */
/** What rows are made into. */
export type SyncForm = 'flat' | 'pluck' | 'expand' | 'raw';
/** Reads the rows of one statement, and remembers its columns. */
export declare class RowReader {
    #private;
    /** The shape that is known; 0 before the first row. */
    shape: number;
    /** The cells of an answer, with its blobs in their places. */
    cells(answer: unknown): unknown[];
    /** The first row of the cells. */
    first(cells: unknown[], form: SyncForm, tables: () => readonly string[]): unknown;
    /** All rows of the cells. */
    all(cells: unknown[], form: SyncForm, tables: () => readonly string[]): unknown[];
}
