/** The dialect: SQLite's SQL, and a driver of our own. */

import {
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Kysely,
  type QueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Database } from '../database.js'
import { ActorSqliteDriver } from './driver.js'

/** Which database a dialect works on. */
export interface ActorSqliteDialectConfig {
  /**
   * An open database, or a function that opens one: it is called once, at the first query.
   * `destroy()` closes the database, as kysely's own dialects do.
   */
  readonly database: Database | (() => Promise<Database>)
  /** Called once, before the first query, with the one connection there is. */
  readonly onCreateConnection?: (connection: DatabaseConnection) => Promise<void>
}

/** Kysely's SQLite dialect over one actor's database. */
export class ActorSqliteDialect implements Dialect {
  readonly #config: ActorSqliteDialectConfig

  constructor(config: ActorSqliteDialectConfig) {
    this.#config = { ...config }
  }

  createDriver(): ActorSqliteDriver {
    return new ActorSqliteDriver(this.#config)
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler()
  }

  createAdapter(): DialectAdapter {
    return new SqliteAdapter()
  }

  // Kysely itself has it so: the tables of a database that is introspected are not known.
  // biome-ignore lint/suspicious/noExplicitAny: the type of kysely's own interface
  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return new SqliteIntrospector(db)
  }
}
