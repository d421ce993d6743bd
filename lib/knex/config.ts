/** What knex is told of the database it works on. */

import type { DatabaseSource } from '../source.js'

/** How values are read. */
export interface ActorSqliteConnectionOptions {
  /** INTEGER values as bigints, always; or as numbers. Default: as the database was opened. */
  readonly safeIntegers?: boolean
}

/** The `connection` of knex's configuration. An actor's database is closed by `knex.destroy()`. */
export type ActorSqliteConnectionConfig = DatabaseSource & {
  readonly options?: ActorSqliteConnectionOptions
}
