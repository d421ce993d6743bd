/** A database as SQL text, as `.dump` of the sqlite3 shell writes it. */
import type { Queryable } from '../../queryable.js';
import type { Write } from '../render/index.js';
/** What a dump needs of a database. */
export type DumpSource = Pick<Queryable, 'prepare' | 'values'>;
/** Where a dump goes, and how it waits for a slow reader. */
export interface DumpTarget {
    readonly write: Write;
    /** Called now and then, with the rows written so far. */
    readonly pause: (rows: number) => Promise<void>;
}
/** Writes tables and what belongs to them; gives the number of rows. */
export declare function dump(db: DumpSource, target: DumpTarget, pattern?: string): Promise<number>;
