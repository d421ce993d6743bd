/** The one connection that knex's pool has of a database. */
import { type Database } from '../database.js';
import { type EitherResult } from '../either.js';
import type { IntegerMode, Row } from '../types.js';
/** One statement as knex gives it. */
export interface KnexStatement {
    readonly sql: string;
    readonly bindings: readonly unknown[];
    readonly integers: IntegerMode | undefined;
}
/** Runs knex's statements: on the database, or in the transaction that knex began by SQL text. */
export declare class KnexConnection {
    #private;
    readonly database: Database;
    /** Ends the query that runs now, if it is one that knex may want to cancel. */
    abort: AbortController | undefined;
    constructor(database: Database, opened: boolean);
    run(statement: KnexStatement): Promise<EitherResult<Row>>;
    /** Rows as they are asked for. */
    iterate(statement: KnexStatement): AsyncGenerator<Row>;
    /** Gives up what is open; closes the database if it was opened for knex. */
    close(): Promise<void>;
}
