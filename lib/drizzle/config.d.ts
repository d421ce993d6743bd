/** What a drizzle database is made with. */
import { type Logger } from 'drizzle-orm/logger';
import { type RelationalSchemaConfig, type TablesRelationalConfig } from 'drizzle-orm/relations';
import type { DrizzleConfig } from 'drizzle-orm/utils';
/** The tables of a schema and their relations. */
export declare function schemaOf<Tables extends TablesRelationalConfig>(schema: Record<string, unknown> | undefined): RelationalSchemaConfig<Tables> | undefined;
/** Who is told of queries. */
export declare function loggerOf({ logger }: Pick<DrizzleConfig, 'logger'>): Logger | undefined;
