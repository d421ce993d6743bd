/** The types of `actor-sqlite/knex`. */

import type { Knex } from 'knex'
import { expectTypeOf, test } from 'vitest'
import type { Database, Storage } from '../../index.js'
import { ActorSqlite, type ActorSqliteConnectionConfig, knexConfig } from '../../lib/knex/index.js'

test('the client is one of knex, and its configuration too', () => {
  expectTypeOf(ActorSqlite).toExtend<typeof Knex.Client>()
  expectTypeOf(knexConfig).returns.toEqualTypeOf<Knex.Config>()
  expectTypeOf(knexConfig).parameter(1).toEqualTypeOf<Knex.Config | undefined>()
})

test('a connection names an actor, or is a database', () => {
  expectTypeOf<{ database: Database }>().toExtend<ActorSqliteConnectionConfig>()
  expectTypeOf<{ storage: Storage; actor: string }>().toExtend<ActorSqliteConnectionConfig>()
  expectTypeOf<{
    database: Database
    options: { safeIntegers: true }
  }>().toExtend<ActorSqliteConnectionConfig>()
  expectTypeOf<{ filename: string }>().not.toExtend<ActorSqliteConnectionConfig>()
})
