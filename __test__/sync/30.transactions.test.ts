import { expect, test } from 'vitest'
import { newSync, thrown } from './support.js'

function table() {
  const db = newSync()
  db.exec('CREATE TABLE t (x INTEGER PRIMARY KEY ON CONFLICT ROLLBACK, y UNIQUE)')
  const insert = db.prepare('INSERT INTO t VALUES (?, ?)')
  const all = db.prepare('SELECT x FROM t ORDER BY x').pluck()
  return { db, insert, all }
}

test('a transaction commits what its function did, and returns what it returned', () => {
  const { db, insert, all } = table()
  const add = db.transaction(function (this: unknown, ...numbers: number[]) {
    expect(db.inTransaction).toBe(true)
    for (const number of numbers) insert.run(number, number)
    return [this, numbers.length]
  })
  const self = { add }
  expect(self.add(1, 2, 3)).toEqual([self, 3])
  expect(db.inTransaction).toBe(false)
  expect(all.all()).toEqual([1, 2, 3])
  expect(add.database).toBe(db)
  for (const form of ['default', 'deferred', 'immediate', 'exclusive'] as const) {
    expect(add[form]).toBe(add.immediate[form])
  }
  add.deferred(4)
  add.immediate(5)
  add.exclusive(6)
  expect(all.all()).toEqual([1, 2, 3, 4, 5, 6])
})

test('what throws is undone, and the error passes through', () => {
  const { db, insert, all } = table()
  const failure = new Error('no')
  const fail = db.transaction((number: number) => {
    insert.run(number, number)
    throw failure
  })
  expect(thrown(() => fail(1))).toBe(failure)
  expect(db.inTransaction).toBe(false)
  expect(all.all()).toEqual([])
})

test('inside a transaction it is a savepoint', () => {
  const { db, insert, all } = table()
  const inner = db.transaction((number: number) => {
    insert.run(number, number)
    if (number % 2 === 0) throw new Error('even')
  })
  db.transaction(() => {
    for (const number of [1, 2, 3]) {
      try {
        inner(number)
      } catch {
        expect(db.inTransaction).toBe(true)
      }
    }
    expect(() => db.transaction(() => inner.immediate(4))()).toThrow('even')
  })()
  expect(all.all()).toEqual([1, 3])
})

test('a rollback inside, by SQL or by SQLite, ends it', () => {
  const { db, insert, all } = table()
  insert.run(1, 1)
  const collide = db.transaction(() => {
    insert.run(2, 2)
    insert.run(1, 9)
  })
  expect(thrown(() => collide())).toMatchObject({ code: 'SQLITE_CONSTRAINT_PRIMARYKEY' })
  expect(db.inTransaction).toBe(false)
  expect(all.all()).toEqual([1])
  expect(() =>
    db.transaction(() => {
      insert.run(3, 3)
      db.exec('ROLLBACK')
    })(),
  ).toThrow('cannot commit')
  expect(all.all()).toEqual([1])
})

test('a function that returns a promise is refused and undone', () => {
  const { db, insert, all } = table()
  const later = db.transaction(async () => insert.run(1, 1))
  expect(thrown(() => later())).toMatchObject({
    name: 'TypeError',
    message: 'Transaction function cannot return a promise',
  })
  expect(db.inTransaction).toBe(false)
  expect(all.all()).toEqual([])
  expect(thrown(() => db.transaction(1 as never))).toBeInstanceOf(TypeError)
})

test('BEGIN in SQL is a transaction too', () => {
  const { db, insert, all } = table()
  db.exec('BEGIN')
  expect(db.inTransaction).toBe(true)
  db.transaction(() => insert.run(1, 1))()
  expect(db.inTransaction).toBe(true)
  db.prepare('ROLLBACK').run()
  expect([db.inTransaction, all.all()]).toEqual([false, []])
})
