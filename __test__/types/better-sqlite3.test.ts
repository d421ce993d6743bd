/** The types of `actor-sqlite/better-sqlite3`. */

import { expectTypeOf, test } from 'vitest'
import type { DatabaseSync, StatementSync, Storage } from '../../index.js'
import Database, { type Options, type SqliteError } from '../../lib/better-sqlite3/index.js'

test('the class is called with and without new', () => {
  const unused = (): void => {
    expectTypeOf(new Database('app.db', { readonly: true })).toEqualTypeOf<DatabaseSync>()
    expectTypeOf(new Database(Buffer.alloc(0))).toEqualTypeOf<DatabaseSync>()
    expectTypeOf(Database(':memory:')).toEqualTypeOf<DatabaseSync>()
    expectTypeOf(new Database().prepare<{ a: number }>('SELECT 1')).toEqualTypeOf<
      StatementSync<{ a: number }>
    >()
    // @ts-expect-error: a name is a text
    new Database(1)
  }
  expectTypeOf(unused).toBeFunction()
  expectTypeOf(Database.SqliteError).toEqualTypeOf<typeof SqliteError>()
})

test('options are those of better-sqlite3, and where the store is', () => {
  expectTypeOf<{
    fileMustExist: boolean
    timeout: number
    verbose: (sql: string) => void
  }>().toExtend<Options>()
  expectTypeOf<{ store: string | Storage }>().toExtend<Options>()
  expectTypeOf<{ readonly: 'yes' }>().not.toExtend<Options>()
})
