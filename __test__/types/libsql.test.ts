/** The types of `actor-sqlite/libsql`. */

import type * as theirs from '@libsql/client'
import { expectTypeOf, test } from 'vitest'
import type * as ours from '../../lib/libsql/index.js'

test('a client is one of @libsql/client', () => {
  expectTypeOf<ReturnType<typeof ours.createClient>>().toExtend<theirs.Client>()
  expectTypeOf<Awaited<ReturnType<ours.ActorClient['transaction']>>>().toExtend<theirs.Transaction>()
  expectTypeOf<ours.LibsqlError>().toExtend<Error>()
  expectTypeOf<ours.LibsqlBatchError>().toExtend<theirs.LibsqlBatchError>()
  expectTypeOf<ours.ResultSet>().toEqualTypeOf<theirs.ResultSet>()
  expectTypeOf<ours.Row>().toEqualTypeOf<theirs.Row>()
})

test('a configuration names a database', () => {
  expectTypeOf<{ url: string; store: string; intMode: 'bigint' }>().toExtend<ours.Config>()
  expectTypeOf<{ intMode: 'float' }>().not.toExtend<ours.Config>()
  expectTypeOf<ours.Config>().not.toHaveProperty('integers')
})
