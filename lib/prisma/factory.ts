/** What `PrismaClient` is given. */

import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import { type DatabaseSource, databaseOf } from '../source.js'
import { ActorSqlitePrismaAdapter } from './adapter.js'
import type { TimestampFormat } from './columns.js'
import { ADAPTER_NAME, withMappedErrors } from './queryable.js'

/** How a factory connects. */
export interface ActorSqlitePrismaFactoryOptions {
  /**
   * How dates are stored: as text like `2026-01-31T12:00:00.000+00:00`, or as milliseconds. Default:
   * `'iso8601'`.
   */
  readonly timestampFormat?: TimestampFormat
  /** The empty database on which migrations are tried out. */
  readonly shadow?: DatabaseSource
}

/** Connects `PrismaClient` to one actor's database: `new PrismaClient({ adapter })`. */
export class PrismaActorSqlite implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = 'sqlite'
  readonly adapterName = ADAPTER_NAME
  readonly #source: DatabaseSource
  readonly #options: ActorSqlitePrismaFactoryOptions

  constructor(source: DatabaseSource, options: ActorSqlitePrismaFactoryOptions = {}) {
    this.#source = source
    this.#options = options
  }

  /** Opens the database, or takes the one that was given. */
  connect(): Promise<ActorSqlitePrismaAdapter> {
    return this.#connect(this.#source, 'the source of Prisma')
  }

  /** The same of the shadow database. */
  async connectToShadowDb(): Promise<ActorSqlitePrismaAdapter> {
    const { shadow } = this.#options
    if (shadow === undefined) throw new TypeError('no shadow database was named: the option is "shadow"')
    return await this.#connect(shadow, 'the shadow database of Prisma')
  }

  #connect(source: DatabaseSource, what: string): Promise<ActorSqlitePrismaAdapter> {
    return withMappedErrors(async () => {
      const { database, opened } = await databaseOf(source, what)
      return new ActorSqlitePrismaAdapter(database, opened, this.#options.timestampFormat ?? 'iso8601')
    })
  }
}
