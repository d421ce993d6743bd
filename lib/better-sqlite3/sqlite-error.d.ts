/** The error class of this package, with the constructor of better-sqlite3's. */
import { SqliteError as Base } from '../errors.js';
/** Makes the same errors as the package throws: `instanceof` holds of both classes for both. */
export interface SqliteErrorConstructor {
    new (message: string, code: string): Base;
    (message: string, code: string): Base;
    readonly prototype: Base;
}
/** SQLite refused. */
export declare const SqliteError: SqliteErrorConstructor;
