/** Tables and databases as text. */
import type { Queryable } from '../../queryable.js';
import type { Format } from './format.js';
/** What is written, and how. */
export interface TextExport {
    readonly format: Format;
    /** The statement whose rows are written; not for `sql`. */
    readonly sql: string;
    /** The tables that are dumped. */
    readonly pattern: string;
}
/** Writes it piece by piece; gives the number of rows. */
export declare function exportText(db: Pick<Queryable, 'prepare' | 'values'>, { format, sql, pattern }: TextExport, write: (bytes: string) => Promise<void>, counted: (rows: number) => void): Promise<number>;
