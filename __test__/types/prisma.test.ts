/** The types of `actor-sqlite/prisma`. */

import type { SqlDriverAdapter, SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import { expectTypeOf, test } from 'vitest'
import type { Database } from '../../index.js'
import { type ActorSqlitePrismaAdapter, PrismaActorSqlite } from '../../lib/prisma/index.js'

test('the factory and its adapters are Prisma’s', () => {
  expectTypeOf<PrismaActorSqlite>().toExtend<SqlMigrationAwareDriverAdapterFactory>()
  expectTypeOf<ActorSqlitePrismaAdapter>().toExtend<SqlDriverAdapter>()
  expectTypeOf<PrismaActorSqlite['connect']>().returns.resolves.toEqualTypeOf<ActorSqlitePrismaAdapter>()
})

test('a source is a database, or an actor and its storage', () => {
  expectTypeOf(PrismaActorSqlite).toBeConstructibleWith({ database: {} as Database })
  expectTypeOf(PrismaActorSqlite).toBeConstructibleWith({ storage: './data', actor: 'a' })
  // @ts-expect-error: whose database?
  expectTypeOf(PrismaActorSqlite).toBeConstructibleWith({ storage: './data' })
})
