import { expect, test } from 'vitest'
import { SqliteError, StatementSync } from '../../index.js'
import { newSync, thrown } from './support.js'

const BUSY = 'This database connection is busy executing a query'

function people() {
  const db = newSync()
  db.exec(`CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT UNIQUE, photo BLOB);
           INSERT INTO person (name, photo) VALUES ('ada', x'0102'), ('bob', NULL), ('eve', x'')`)
  return db
}

test('run says what changed', () => {
  const db = people()
  const insert = db.prepare('INSERT INTO person (name) VALUES (?)')
  expect(insert.run('dan')).toEqual({ changes: 1, lastInsertRowid: 4 })
  expect(insert.run(['flo'])).toEqual({ changes: 1, lastInsertRowid: 5 })
  expect(db.prepare('UPDATE person SET photo = NULL').run()).toEqual({ changes: 5, lastInsertRowid: 5 })
  expect(db.prepare('CREATE TABLE other (x)').run()).toEqual({ changes: 0, lastInsertRowid: 5 })
  expect(db.prepare('SELECT * FROM person').run().changes).toBe(0)
})

test('get, all and iterate give rows as objects, arrays, first values and by table', () => {
  const db = people()
  const all = db.prepare('SELECT id, name FROM person ORDER BY id')
  expect(all.get()).toEqual({ id: 1, name: 'ada' })
  expect(all.all()).toEqual([
    { id: 1, name: 'ada' },
    { id: 2, name: 'bob' },
    { id: 3, name: 'eve' },
  ])
  expect(all.raw().get()).toEqual([1, 'ada'])
  expect([...all.iterate()]).toEqual([
    [1, 'ada'],
    [2, 'bob'],
    [3, 'eve'],
  ])
  expect(all.pluck().all()).toEqual([1, 2, 3])
  expect(all.raw(false).all()).toEqual([1, 2, 3])
  expect(all.pluck(false).get()).toEqual({ id: 1, name: 'ada' })
  const joined = db.prepare('SELECT a.id, b.id, 7 AS seven FROM person a, person b LIMIT 1').expand()
  expect(joined.get()).toEqual({ person: { id: 1 }, $: { seven: 7 } })
  expect(joined.all()).toEqual([{ person: { id: 1 }, $: { seven: 7 } }])
  expect(joined.expand(false).get()).toEqual({ id: 1, seven: 7 })
  const none = db.prepare('SELECT * FROM person WHERE id = 9')
  expect([none.get(), none.all(), [...none.iterate()]]).toEqual([undefined, [], []])
})

test('a column named __proto__ is a column', () => {
  const row = newSync().prepare('SELECT 1 AS __proto__, 2 AS b').get() as object
  expect(Object.entries(row)).toEqual([
    ['__proto__', 1],
    ['b', 2],
  ])
})

test('rows follow a changed schema', () => {
  const db = people()
  const all = db.prepare('SELECT * FROM person WHERE id = 2')
  expect(all.get()).toEqual({ id: 2, name: 'bob', photo: null })
  db.exec('ALTER TABLE person ADD COLUMN age DEFAULT 5; ALTER TABLE person RENAME COLUMN name TO nick')
  expect(all.get()).toEqual({ id: 2, nick: 'bob', photo: null, age: 5 })
  expect(all.columns().map((column) => column.name)).toEqual(['id', 'nick', 'photo', 'age'])
  expect(all.raw().all()).toEqual([[2, 'bob', null, 5]])
})

test('INSERT … RETURNING is read and is committed', () => {
  const db = people()
  const insert = db.prepare("INSERT INTO person (name) VALUES (?), (? || '2') RETURNING id")
  expect(insert.get('x', 'x')).toEqual({ id: 4 })
  expect(insert.all('y', 'y')).toEqual([{ id: 6 }, { id: 7 }])
  expect([...insert.iterate('z', 'z')]).toEqual([{ id: 8 }, { id: 9 }])
  for (const row of insert.iterate('v', 'v')) {
    expect(row).toEqual({ id: 10 })
    break
  }
  expect(db.inTransaction).toBe(false)
  expect(db.prepare('SELECT count(*) FROM person').pluck().get()).toBe(11)
})

test('what fits no call is a TypeError', () => {
  const db = people()
  const insert = db.prepare('INSERT INTO person (name) VALUES (1)')
  for (const call of [() => insert.get(), () => insert.all(), () => insert.iterate()]) {
    expect(thrown(call)).toMatchObject({
      name: 'TypeError',
      message: 'This statement does not return data. Use run() instead',
    })
  }
  for (const call of [
    () => insert.raw(),
    () => insert.pluck(),
    () => insert.expand(),
    () => insert.columns(),
  ]) {
    expect(thrown(call)).toBeInstanceOf(TypeError)
  }
  const select = db.prepare('SELECT 1')
  expect(thrown(() => select.raw(1 as never))).toBeInstanceOf(TypeError)
  expect(thrown(() => select.pluck(undefined))).toBeInstanceOf(TypeError)
  expect(thrown(() => db.prepare(1 as never))).toBeInstanceOf(TypeError)
  expect(thrown(() => db.exec(null as never))).toBeInstanceOf(TypeError)
  expect(thrown(() => db.pragma('user_version', { simple: 1 as never }))).toBeInstanceOf(TypeError)
  expect(db.prepare('SELECT count(*) FROM person').pluck().get()).toBe(3)
})

test('prepare takes exactly one statement', () => {
  const db = people()
  for (const none of ['', ' ;', '-- a comment', '/* another']) {
    expect(thrown(() => db.prepare(none))).toMatchObject({
      name: 'RangeError',
      message: 'The supplied SQL string contains no statements',
    })
  }
  for (const two of ['SELECT 1; SELECT 2', 'SELECT 1; nonsense']) {
    expect(thrown(() => db.prepare(two))).toMatchObject({
      name: 'RangeError',
      message: 'The supplied SQL string contains more than one statement',
    })
  }
  expect(db.prepare('SELECT 1 AS x; -- and no more').get()).toEqual({ x: 1 })
})

test('a statement knows what it is', () => {
  const db = people()
  const statement = db.prepare('SELECT id, name AS n, 1 + 1 FROM person')
  expect(statement).toBeInstanceOf(StatementSync)
  expect(statement).toMatchObject({ reader: true, readonly: true, busy: false })
  expect(statement.database).toBe(db)
  expect(statement.source).toBe('SELECT id, name AS n, 1 + 1 FROM person')
  expect(thrown(() => Object.assign(statement, { source: 'x' }))).toBeInstanceOf(TypeError)
  expect(statement.columns()).toEqual([
    { name: 'id', column: 'id', table: 'person', database: 'main', type: 'INTEGER' },
    { name: 'n', column: 'name', table: 'person', database: 'main', type: 'TEXT' },
    { name: '1 + 1', column: null, table: null, database: null, type: null },
  ])
  expect(db.prepare('INSERT INTO person (id) VALUES (1) RETURNING id')).toMatchObject({
    reader: true,
    readonly: false,
  })
})

test('an open iterator holds the database', () => {
  const db = people()
  const select = db.prepare('SELECT id FROM person ORDER BY id').pluck()
  const insert = db.prepare('INSERT INTO person (name) VALUES (NULL)')
  const rows = select.iterate()
  expect(select.busy).toBe(true)
  expect(rows.next()).toEqual({ value: 1, done: false })
  for (const call of [
    () => insert.run(),
    () => db.exec('SELECT 1'),
    () => db.pragma('user_version'),
    () => db.close(),
    () => db.transaction(() => {})(),
  ]) {
    expect(thrown(call)).toMatchObject({ name: 'TypeError', message: BUSY })
  }
  for (const call of [() => select.get(), () => select.iterate(), () => select.raw()]) {
    expect(thrown(call)).toMatchObject({ message: 'This statement is busy executing a query' })
  }
  expect(db.prepare('SELECT max(id) FROM person').pluck().get()).toBe(3)
  expect(rows.return()).toEqual({ value: undefined, done: true })
  expect(rows.next()).toEqual({ value: undefined, done: true })
  expect(select.busy).toBe(false)
  expect(insert.run().changes).toBe(1)
  expect(select.all()).toEqual([1, 2, 3, 4])
})

test('unsafe mode allows writing meanwhile', () => {
  const db = people()
  const insert = db.prepare('INSERT INTO person (name) VALUES (?)')
  db.unsafeMode()
  for (const id of db.prepare('SELECT id FROM person WHERE id < 3').pluck().iterate()) insert.run(`new${id}`)
  expect(db.unsafeMode(false).prepare('SELECT count(*) FROM person').pluck().get()).toBe(5)
  expect(() => {
    for (const _ of db.prepare('SELECT id FROM person').iterate()) insert.run('never')
  }).toThrow(BUSY)
})

test('an error in the middle of reading ends it', () => {
  const db = people()
  const rows = db.prepare(
    "SELECT abs(iif(id < 2, id, 'x' || -9223372036854775808)) AS x, json(name) FROM person",
  )
  const iterator = rows.iterate()
  expect(thrown(() => iterator.next())).toBeInstanceOf(SqliteError)
  expect(iterator.next().done).toBe(true)
  expect(rows.busy).toBe(false)
  db.close()
})

test('pragma and explain', () => {
  const db = people()
  expect(db.pragma('user_version = 3')).toEqual([])
  expect(db.pragma('user_version')).toEqual([{ user_version: 3 }])
  expect(db.pragma('user_version', { simple: true })).toBe(3)
  expect(db.explain('SELECT * FROM person WHERE id = ?').length).toBeGreaterThan(2)
  expect(db.explain('QUERY PLAN SELECT * FROM person WHERE id = :id')[0]).toMatchObject({
    detail: expect.stringContaining('person'),
  })
})

test("errors are SQLite's own", () => {
  const db = people()
  expect(thrown(() => db.prepare('SELECT * FROM nobody'))).toMatchObject({
    name: 'SqliteError',
    code: 'SQLITE_ERROR',
    message: 'no such table: nobody',
  })
  expect(thrown(() => db.prepare("INSERT INTO person (name) VALUES ('ada')").run())).toMatchObject({
    code: 'SQLITE_CONSTRAINT_UNIQUE',
    message: 'UNIQUE constraint failed: person.name',
  })
  expect(thrown(() => db.exec("INSERT INTO person (id) VALUES (9); SELECT 'x"))).toMatchObject({
    code: 'SQLITE_ERROR',
  })
  expect(db.prepare('SELECT id FROM person WHERE id = 9').pluck().get()).toBe(9)
  expect(thrown(() => db.loadExtension('./x.so'))).toMatchObject({ code: 'SQLITE_AUTH' })
})

test('a virtual table that was rolled back under remembers nothing', () => {
  const db = newSync()
  db.exec("CREATE VIRTUAL TABLE note USING fts5(text); INSERT INTO note VALUES ('one')")
  db.exec('BEGIN')
  db.exec("INSERT INTO note VALUES ('two')")
  db.exec('ROLLBACK')
  db.exec("INSERT INTO note VALUES ('three')")
  expect(db.prepare("INSERT INTO note (note) VALUES ('integrity-check')").run()).toBeDefined()
  expect(db.prepare("SELECT count(*) FROM note WHERE note MATCH 'one OR two OR three'").pluck().get()).toBe(2)
})
