/** A script into a database, many statements in a transaction. */
import type { Database } from '../../database.js';
import type { TextSource } from '../sources.js';
/** How a script is imported. */
export interface SqlOptions {
    readonly signal: AbortSignal;
    readonly progress: (statements: number) => void;
}
/** Runs all statements; gives their number. */
export declare function importSql(db: Database, source: TextSource, options: SqlOptions): Promise<number>;
