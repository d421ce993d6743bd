/** The types of the package itself: checked by the compiler, as `tsc -p __test__` reads this file too. */

import { expectTypeOf, test } from 'vitest'
import {
  type BindArgs,
  type Column,
  type Database,
  type DatabaseMetrics,
  type DatabaseOptions,
  openDatabase,
  openStorage,
  type Queryable,
  type ResultSet,
  type Row,
  type RunResult,
  type Scoped,
  type SqlInput,
  SqliteError,
  type SqliteErrorCode,
  type SqlValue,
  type Statement,
  type Storage,
  StorageError,
  type StorageErrorCode,
  type StorageOptions,
  type TraceMessage,
  type Transaction,
} from '../../index.js'

interface Message {
  id: number
  text: string
}

// Never called: what is in it is for the compiler alone.
const db = undefined as unknown as Database
const storage = undefined as unknown as Storage
const compiled = (_: () => unknown): void => {}

test('rows are of the type that is given, else of unknown values', () => {
  compiled(() => {
    expectTypeOf(db.get('SELECT 1')).resolves.toEqualTypeOf<Row | undefined>()
    expectTypeOf(db.get<Message>('SELECT 1')).resolves.toEqualTypeOf<Message | undefined>()
    expectTypeOf(db.all('SELECT 1')).resolves.toEqualTypeOf<Row[]>()
    expectTypeOf(db.all<Message>('SELECT 1')).resolves.toEqualTypeOf<Message[]>()
    expectTypeOf(db.values('SELECT 1')).resolves.toEqualTypeOf<SqlValue[][]>()
    expectTypeOf(db.values<[number, string]>('SELECT 1')).resolves.toEqualTypeOf<[number, string][]>()
    expectTypeOf(db.pluck('SELECT 1')).resolves.toEqualTypeOf<SqlValue | undefined>()
    expectTypeOf(db.pluck<number>('SELECT 1')).resolves.toEqualTypeOf<number | undefined>()
    expectTypeOf(db.iterate<Message>('SELECT 1')).toEqualTypeOf<AsyncIterableIterator<Message>>()
    expectTypeOf(db.sql<Message>`SELECT ${1}`).resolves.toEqualTypeOf<Message[]>()
    expectTypeOf(db.sql.get<Message>`SELECT ${1}`).resolves.toEqualTypeOf<Message | undefined>()
    expectTypeOf(db.sql.run`DELETE FROM t`).resolves.toEqualTypeOf<RunResult>()
    expectTypeOf(db.pragma('user_version', { simple: true })).resolves.toEqualTypeOf<SqlValue | undefined>()
    expectTypeOf(db.pragma('table_info(t)')).resolves.toEqualTypeOf<Row[]>()
    // @ts-expect-error: a Date is no value of SQLite
    db.pluck<Date>('SELECT 1')
    // @ts-expect-error: a column may not have come
    db.get('SELECT 1 AS a').then((row) => row.a)
  })
  expectTypeOf<Row>().toEqualTypeOf<Record<string, SqlValue>>()
  expectTypeOf<SqlValue>().toEqualTypeOf<null | number | bigint | string | Uint8Array>()
})

test('statements keep the type of their rows', () => {
  compiled(async () => {
    const statement = await db.prepare<Message>('SELECT 1')
    expectTypeOf(statement).toEqualTypeOf<Statement<Message>>()
    expectTypeOf(statement.get(1)).resolves.toEqualTypeOf<Message | undefined>()
    expectTypeOf(statement.all([1])).resolves.toEqualTypeOf<Message[]>()
    expectTypeOf(statement.iterate({ a: 1 })).toEqualTypeOf<AsyncIterableIterator<Message>>()
    expectTypeOf(statement.columns()).toEqualTypeOf<Column[]>()
    expectTypeOf(statement.raw()).toEqualTypeOf<Statement<Message>>()
    // @ts-expect-error: modes are words
    statement.integers(true)
  })
})

test('what can be bound', () => {
  expectTypeOf<Date>().not.toExtend<SqlInput>()
  expectTypeOf<undefined>().not.toExtend<SqlInput>()
  expectTypeOf<{ a: 1 }>().not.toExtend<SqlInput>()
  expectTypeOf<Buffer>().toExtend<SqlInput>()
  expectTypeOf<Float64Array>().toExtend<SqlInput>()
  expectTypeOf<boolean>().toExtend<SqlInput>()
  expectTypeOf<[1, 'a', null]>().toExtend<BindArgs>()
  compiled(() => {
    db.run('…', 1, 'a', 2n, null, true, new Uint8Array())
    db.run('…', [1, 'a'])
    db.run('…', { a: 1, b: null })
    db.run('…', [1] as const)
    // @ts-expect-error: undefined is not NULL
    db.run('…', undefined)
    // @ts-expect-error: a Date has no one form
    db.run('…', new Date())
    // @ts-expect-error: named and positional do not mix
    db.run('…', 1, { a: 1 })
    // @ts-expect-error: a named value has to be one that can be bound
    db.run('…', { a: new Date() })
  })
})

test('batches give a result a statement, or changes for rows', () => {
  compiled(() => {
    expectTypeOf(db.batch(['SELECT 1', { sql: '…', args: { a: 1 } }])).resolves.toEqualTypeOf<ResultSet[]>()
    expectTypeOf(db.batch('INSERT …', [[1, 'a'], { a: 1 }])).resolves.toEqualTypeOf<RunResult>()
    db.batch(['SELECT 1'], { behavior: 'immediate' })
    // @ts-expect-error: there is no such behavior
    db.batch(['SELECT 1'], { behavior: 'write' })
    // @ts-expect-error: a statement has no other fields
    db.batch([{ sql: '…', params: [1] }])
  })
})

test('a transaction gives what its callback gives, and its handle asks as a database does', () => {
  compiled(() => {
    expectTypeOf(db.transaction(async () => 'done')).resolves.toEqualTypeOf<string>()
    expectTypeOf(db.transaction((tx) => tx.get<Message>('…'))).resolves.toEqualTypeOf<Message | undefined>()
    db.transaction((tx) => {
      expectTypeOf(tx).toEqualTypeOf<Transaction>()
      expectTypeOf(tx.savepoint(() => 1)).resolves.toEqualTypeOf<number>()
      expectTypeOf(tx.rollback()).toEqualTypeOf<never>()
      // @ts-expect-error: only the database is closed
      tx.close()
    })
    // @ts-expect-error: a transaction needs what it does
    db.transaction()
  })
  expectTypeOf<Transaction>().toExtend<Queryable>()
  expectTypeOf<Database>().toExtend<Queryable>()
  expectTypeOf<Scoped>().toExtend<Queryable>()
})

test('options are these, and no others', () => {
  compiled(() => {
    openDatabase('a', { store: './data', integers: 'bigint', durability: 'gated' })
    openDatabase('a', { store: storage })
    // @ts-expect-error: a database is somewhere
    openDatabase('a')
    // @ts-expect-error: it is called readonly
    openDatabase('a', { store: './data', readOnly: true })
    // @ts-expect-error: there are two
    openDatabase('a', { store: './data', durability: 'none' })
    // @ts-expect-error: a store has a directory
    openStorage({})
    // @ts-expect-error: in bytes
    openStorage({ store: './data', cacheBytes: '64 MiB' })
    // @ts-expect-error: it is called timeoutMs
    db.with({ timeout: 5 })
    expectTypeOf(db.with({ timeoutMs: 5 })).toEqualTypeOf<Scoped>()
    expectTypeOf(openStorage({ store: './data' })).resolves.toEqualTypeOf<Storage>()
  })
  // Options may be given as constants.
  expectTypeOf<Readonly<DatabaseOptions>>().toExtend<DatabaseOptions>()
  expectTypeOf<{ readonly store: string }>().toExtend<StorageOptions>()
})

test('errors have typed codes', () => {
  const sqlite = new SqliteError('no', 1)
  expectTypeOf(sqlite.code).toEqualTypeOf<SqliteErrorCode>()
  expectTypeOf(sqlite.errno).toEqualTypeOf<number>()
  expectTypeOf<'SQLITE_BUSY'>().toExtend<SqliteErrorCode>()
  expectTypeOf<'ERR_FENCED'>().toExtend<StorageErrorCode>()
  expectTypeOf<'ERR_NONSENSE'>().not.toExtend<StorageErrorCode>()
  const storage = new StorageError('no', 'ERR_QUOTA', { limit: 1 })
  expectTypeOf(storage.code).toEqualTypeOf<StorageErrorCode>()
  expectTypeOf(storage.limit).toEqualTypeOf<number | undefined>()
  expectTypeOf(storage).toExtend<Error>()
})

test('what is made for reading cannot be set', () => {
  compiled(() => {
    // @ts-expect-error: an actor's name does not change
    db.name = 'b'
  })
  expectTypeOf(db).not.toBeAny()
  compiled(() => expectTypeOf(db.metrics).toEqualTypeOf<DatabaseMetrics>())
  expectTypeOf<TraceMessage['sql']>().toEqualTypeOf<string | undefined>()
})
