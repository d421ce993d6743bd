/** The dialect: SQLite's SQL, and a driver of our own. */
import { type DatabaseConnection, type DatabaseIntrospector, type Dialect, type DialectAdapter, type Kysely, type QueryCompiler } from 'kysely';
import type { Database } from '../database.js';
import { ActorSqliteDriver } from './driver.js';
/** Which database a dialect works on. */
export interface ActorSqliteDialectConfig {
    /**
     * An open database, or a function that opens one: it is called once, at the first query.
     * `destroy()` closes the database, as kysely's own dialects do.
     */
    readonly database: Database | (() => Promise<Database>);
    /** Called once, before the first query, with the one connection there is. */
    readonly onCreateConnection?: (connection: DatabaseConnection) => Promise<void>;
}
/** Kysely's SQLite dialect over one actor's database. */
export declare class ActorSqliteDialect implements Dialect {
    #private;
    constructor(config: ActorSqliteDialectConfig);
    createDriver(): ActorSqliteDriver;
    createQueryCompiler(): QueryCompiler;
    createAdapter(): DialectAdapter;
    createIntrospector(db: Kysely<any>): DatabaseIntrospector;
}
