/** The types of synchronous databases. */

import { expectTypeOf, test } from 'vitest'
import {
  type DatabaseSync,
  type ExportProgress,
  openDatabaseSync,
  type Row,
  type RunResult,
  type StatementSync,
  type Storage,
} from '../../index.js'

interface Message {
  id: number
  text: string
}

test('results are no promises', () => {
  const unused = (db: DatabaseSync): void => {
    const statement = db.prepare<Message>('SELECT 1')
    expectTypeOf(statement).toEqualTypeOf<StatementSync<Message>>()
    expectTypeOf(statement.get(1)).toEqualTypeOf<Message | undefined>()
    expectTypeOf(statement.all([1])).toEqualTypeOf<Message[]>()
    expectTypeOf(statement.run({ a: 1 })).toEqualTypeOf<RunResult>()
    expectTypeOf([...statement.iterate()]).toEqualTypeOf<Message[]>()
    expectTypeOf(db.prepare('SELECT 1').get()).toEqualTypeOf<Row | undefined>()
    expectTypeOf(db.exec('…')).toEqualTypeOf<DatabaseSync>()
  }
  expectTypeOf(unused).toBeFunction()
})

test('a backup is a promise', () => {
  const unused = (db: DatabaseSync): void => {
    expectTypeOf(db.backup('a.db')).resolves.toEqualTypeOf<ExportProgress>()
    expectTypeOf(db.backup).toBeCallableWith('a.db', { progress: ({ remainingPages }) => remainingPages })
    expectTypeOf(db.backup).toBeCallableWith('a.db', { progress: () => {}, attached: 'main' })
    // @ts-expect-error: a number of pages, or nothing
    db.backup('a.db', { progress: () => '1' })
  }
  expectTypeOf(unused).toBeFunction()
})

test('a transaction takes and gives what its function does', () => {
  const unused = (db: DatabaseSync): void => {
    const work = db.transaction((text: string, count: number) => text.length + count)
    expectTypeOf(work).toBeCallableWith('a', 1)
    expectTypeOf(work('a', 1)).toEqualTypeOf<number>()
    expectTypeOf(work.immediate('a', 1)).toEqualTypeOf<number>()
    // @ts-expect-error: a text comes first
    work(1, 'a')
  }
  expectTypeOf(unused).toBeFunction()
})

test('options that have no meaning here are refused', () => {
  const unused = (storage: Storage): void => {
    expectTypeOf(openDatabaseSync('a', { store: storage, integers: 'bigint' })).toEqualTypeOf<DatabaseSync>()
    // @ts-expect-error: it never sleeps
    openDatabaseSync('a', { store: storage, idleTimeoutMs: 1 })
    // @ts-expect-error: nothing can abort it
    openDatabaseSync('a', { store: storage, signal: AbortSignal.timeout(1) })
    // @ts-expect-error: a database is somewhere
    openDatabaseSync('a')
  }
  expectTypeOf(unused).toBeFunction()
})
