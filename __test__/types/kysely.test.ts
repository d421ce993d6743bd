/** The types of `actor-sqlite/kysely`. */

import { type Dialect, type Driver, type Generated, Kysely } from 'kysely'
import { expectTypeOf, test } from 'vitest'
import type { Database } from '../../index.js'
import {
  ActorSqliteDialect,
  type ActorSqliteDialectConfig,
  type ActorSqliteDriver,
} from '../../lib/kysely/index.js'

interface Schema {
  message: { id: Generated<number>; text: string }
}

test('the dialect and its driver are kysely’s', () => {
  expectTypeOf<ActorSqliteDialect>().toExtend<Dialect>()
  expectTypeOf<ActorSqliteDriver>().toExtend<Driver>()
  expectTypeOf<Database>().toExtend<ActorSqliteDialectConfig['database']>()
  expectTypeOf<() => Promise<Database>>().toExtend<ActorSqliteDialectConfig['database']>()
  expectTypeOf<string>().not.toExtend<ActorSqliteDialectConfig['database']>()
})

test('queries are typed by the schema', () => {
  const unused = (): void => {
    const db = new Kysely<Schema>({ dialect: new ActorSqliteDialect({ database: {} as Database }) })
    expectTypeOf(db.selectFrom('message').selectAll().execute()).resolves.toEqualTypeOf<
      { id: number; text: string }[]
    >()
    // @ts-expect-error: there is no such table
    db.selectFrom('nowhere')
  }
  expectTypeOf(unused).toBeFunction()
})
