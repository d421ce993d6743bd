/** Prisma's queries, on a database or in a transaction. */

import type { SqlQuery, SqlQueryable, SqlResultSet } from '@prisma/driver-adapter-utils'
import { runEither, runForChanges } from '../either.js'
import type { Queryable } from '../queryable.js'
import { asArrays } from '../rows.js'
import { argumentOf, columnTypes, rowOf, type TimestampFormat } from './columns.js'
import { mapped } from './errors.js'

export const ADAPTER_NAME = 'actor-sqlite'

/** Runs one call of Prisma's, whose errors become Prisma's. */
export async function withMappedErrors<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw mapped(error)
  }
}

/** What databases and transactions have in common. */
export class PrismaQueryable implements SqlQueryable {
  readonly provider = 'sqlite'
  readonly adapterName = ADAPTER_NAME
  readonly #on: Queryable
  readonly #format: TimestampFormat

  constructor(on: Queryable, format: TimestampFormat) {
    this.#on = on
    this.#format = format
  }

  /** Runs a query for its rows. */
  queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    return withMappedErrors(async () => {
      const { sql } = query
      // Bigints tell INTEGER values from REAL ones where a column has no type.
      const options = { integers: 'bigint' } as const
      const { shape, rows } = await runEither(this.#on, sql, [this.#arguments(query)], asArrays, options)
      const types = columnTypes(shape?.types ?? [], rows)
      return {
        columnNames: [...(shape?.names ?? [])],
        columnTypes: types,
        rows: rows.map((row) => rowOf(row, types)),
      }
    })
  }

  /** Runs a statement for the number of rows it changes. */
  executeRaw(query: SqlQuery): Promise<number> {
    return withMappedErrors(
      async () => (await runForChanges(this.#on, query.sql, [this.#arguments(query)])).changes,
    )
  }

  #arguments({ args, argTypes }: SqlQuery): unknown[] {
    return args.map((value, index) => argumentOf(value, argTypes[index], this.#format))
  }
}
