/** What a drizzle database is made with. */

import { DefaultLogger, type Logger } from 'drizzle-orm/logger'
import {
  createTableRelationsHelpers,
  extractTablesRelationalConfig,
  type RelationalSchemaConfig,
  type TablesRelationalConfig,
} from 'drizzle-orm/relations'
import type { DrizzleConfig } from 'drizzle-orm/utils'

/** The tables of a schema and their relations. */
export function schemaOf<Tables extends TablesRelationalConfig>(
  schema: Record<string, unknown> | undefined,
): RelationalSchemaConfig<Tables> | undefined {
  if (schema === undefined) return undefined
  const { tables, tableNamesMap } = extractTablesRelationalConfig(schema, createTableRelationsHelpers)
  return { fullSchema: schema, schema: tables as Tables, tableNamesMap }
}

/** Who is told of queries. */
export function loggerOf({ logger }: Pick<DrizzleConfig, 'logger'>): Logger | undefined {
  if (logger === true) return new DefaultLogger()
  return logger === false ? undefined : logger
}
