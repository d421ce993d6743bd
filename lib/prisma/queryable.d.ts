/** Prisma's queries, on a database or in a transaction. */
import type { SqlQuery, SqlQueryable, SqlResultSet } from '@prisma/driver-adapter-utils';
import type { Queryable } from '../queryable.js';
import { type TimestampFormat } from './columns.js';
export declare const ADAPTER_NAME = "actor-sqlite";
/** Runs one call of Prisma's, whose errors become Prisma's. */
export declare function withMappedErrors<T>(call: () => Promise<T>): Promise<T>;
/** What databases and transactions have in common. */
export declare class PrismaQueryable implements SqlQueryable {
    #private;
    readonly provider = "sqlite";
    readonly adapterName = "actor-sqlite";
    constructor(on: Queryable, format: TimestampFormat);
    /** Runs a query for its rows. */
    queryRaw(query: SqlQuery): Promise<SqlResultSet>;
    /** Runs a statement for the number of rows it changes. */
    executeRaw(query: SqlQuery): Promise<number>;
}
