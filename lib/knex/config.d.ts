/** What knex is told of the database it works on. */
import { Database } from '../database.js';
import { type Storage } from '../storage.js';
import type { DatabaseOptions } from '../types.js';
/** How values are read. */
export interface ActorSqliteConnectionOptions {
    /** INTEGER values as bigints, always; or as numbers. Default: as the database was opened. */
    readonly safeIntegers?: boolean;
}
/** The `connection` of knex's configuration: an open database, or an actor of a store. */
export type ActorSqliteConnectionConfig = {
    readonly options?: ActorSqliteConnectionOptions;
} & ({
    /** An open database. `knex.destroy()` leaves it open. */
    readonly database: Database;
} | {
    /** The actor whose database is opened at the first query, and closed by `knex.destroy()`. */
    readonly actor: string;
    /** An open storage, or the directory of one. */
    readonly storage: Storage | string;
    /** How it is opened. */
    readonly open?: DatabaseOptions;
});
/** The database that a configuration names, and whether it was opened here. */
export declare function databaseOf(config: ActorSqliteConnectionConfig): Promise<{
    database: Database;
    opened: boolean;
}>;
