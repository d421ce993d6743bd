/** What `PrismaClient` is given. */
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import { type DatabaseSource } from '../source.js';
import { ActorSqlitePrismaAdapter } from './adapter.js';
import type { TimestampFormat } from './columns.js';
/** How a factory connects. */
export interface ActorSqlitePrismaFactoryOptions {
    /**
     * How dates are stored: as text like `2026-01-31T12:00:00.000+00:00`, or as milliseconds. Default:
     * `'iso8601'`.
     */
    readonly timestampFormat?: TimestampFormat;
    /** The empty database on which migrations are tried out. */
    readonly shadow?: DatabaseSource;
}
/** Connects `PrismaClient` to one actor's database: `new PrismaClient({ adapter })`. */
export declare class PrismaActorSqlite implements SqlMigrationAwareDriverAdapterFactory {
    #private;
    readonly provider = "sqlite";
    readonly adapterName = "actor-sqlite";
    constructor(source: DatabaseSource, options?: ActorSqlitePrismaFactoryOptions);
    /** Opens the database, or takes the one that was given. */
    connect(): Promise<ActorSqlitePrismaAdapter>;
    /** The same of the shadow database. */
    connectToShadowDb(): Promise<ActorSqlitePrismaAdapter>;
}
