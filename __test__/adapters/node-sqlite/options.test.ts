/** Options of databases, and what opens and closes them. */

import { DatabaseSync } from 'actor-sqlite/node-sqlite'
import { describe, expect, test } from 'vitest'
import { memory, row, thrown } from './support.js'

describe('options', () => {
  test('of the wrong type', () => {
    const wrong: [Record<string, unknown> | null | undefined, string][] = [
      [null, 'The "options" argument must be an object.'],
      [undefined, 'The "options" argument must be an object.'],
      [{ open: 1 }, 'The "options.open" argument must be a boolean.'],
      [{ readOnly: 1 }, 'The "options.readOnly" argument must be a boolean.'],
      [
        { enableForeignKeyConstraints: 1 },
        'The "options.enableForeignKeyConstraints" argument must be a boolean.',
      ],
      [{ timeout: 0.5 }, 'The "options.timeout" argument must be an integer.'],
      [{ defensive: null }, 'The "options.defensive" argument must be a boolean.'],
      [{ readBigInts: 'yes' }, 'The "options.readBigInts" argument must be a boolean.'],
      [{ limits: 1 }, 'The "options.limits" argument must be an object.'],
      [{ limits: { length: Infinity } }, 'The "options.limits.length" argument must be an integer.'],
    ]
    for (const [options, message] of wrong) {
      expect(thrown(() => new DatabaseSync(':memory:', options as never))).toEqual([
        'ERR_INVALID_ARG_TYPE',
        message,
      ])
    }
    expect(thrown(() => memory({ limits: { column: -1 } }))).toEqual([
      'ERR_OUT_OF_RANGE',
      'The "options.limits.column" argument must be non-negative.',
    ])
  })

  test('open later, closed, opened again', () => {
    const db = memory({ open: false })
    const closed = ['ERR_INVALID_STATE', 'database is not open']
    expect(db.isOpen).toBe(false)
    for (const call of [
      () => db.close(),
      () => db.exec('SELECT 1'),
      () => db.prepare('SELECT 1'),
      () => db.isTransaction,
      () => db.location(),
      () => db.limits.length,
      () => db.createSession(),
      () => db.createTagStore(),
      () => db.setAuthorizer(null),
      () => db.applyChangeset(new Uint8Array()),
    ]) {
      expect(thrown(call)).toEqual(closed)
    }
    db.open()
    expect(thrown(() => db.open())).toEqual(['ERR_INVALID_STATE', 'database is already open'])
    db.exec('CREATE TABLE t (x)')
    db.close()
    db[Symbol.dispose]()
    db.open()
    expect(db.prepare('SELECT count(*) n FROM sqlite_schema').get()).toEqual(row({ n: 0 }))
  })

  test('foreign keys, double quotes, defence', () => {
    const keys =
      'CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a REFERENCES a); INSERT INTO b VALUES (1)'
    expect(thrown(() => memory().exec(keys)).slice(0, 3)).toEqual([
      'ERR_SQLITE_ERROR',
      'FOREIGN KEY constraint failed',
      787,
    ])
    memory({ enableForeignKeyConstraints: false }).exec(keys)
    expect(thrown(() => memory().exec('SELECT "text"'))[0]).toBe('ERR_SQLITE_ERROR')
    memory({ enableDoubleQuotedStringLiterals: true }).exec('SELECT "text"')
    const shadow = 'CREATE VIRTUAL TABLE f USING fts5(x); DELETE FROM f_data'
    expect(thrown(() => memory().exec(shadow))[0]).toBe('ERR_SQLITE_ERROR')
    memory({ defensive: false }).exec(shadow)
    const db = memory()
    db.enableDefensive(false)
    db.exec(shadow)
    db.enableDefensive(true)
    expect(thrown(() => db.exec('DELETE FROM f_data'))[0]).toBe('ERR_SQLITE_ERROR')
    expect(thrown(() => db.enableDefensive(1 as never))[0]).toBe('ERR_INVALID_ARG_TYPE')
  })

  test('extensions are refused', () => {
    expect(thrown(() => memory({ allowExtension: true }))[0]).toBe('ERR_SQLITE_ERROR')
    const db = memory({ allowExtension: false })
    db.enableLoadExtension(false)
    expect(thrown(() => db.enableLoadExtension(true))[0]).toBe('ERR_INVALID_STATE')
    expect(thrown(() => db.loadExtension('x'))).toEqual([
      'ERR_INVALID_STATE',
      'extension loading is not allowed',
    ])
  })

  test('limits are properties', () => {
    const db = memory({ limits: { column: 3 } })
    expect(db.limits.column).toBe(3)
    expect(Object.keys(db.limits)).toHaveLength(11)
    expect(thrown(() => db.exec('CREATE TABLE t (a, b, c, d)'))[1]).toMatch(/too many columns/)
    db.limits.column = Infinity
    expect(db.limits.column).toBe(2000)
    db.limits.sqlLength = 10
    expect(thrown(() => db.exec('SELECT 1 + 1 + 1'))[2]).toBe(18)
    expect(thrown(() => Object.assign(db.limits, { length: -1 }))).toEqual([
      'ERR_OUT_OF_RANGE',
      'Limit value must be non-negative.',
    ])
    for (const value of [null, 'x', 1.5, -Infinity]) {
      expect(thrown(() => Object.assign(db.limits, { length: value }))).toEqual([
        'ERR_INVALID_ARG_TYPE',
        'Limit value must be a non-negative integer or Infinity.',
      ])
    }
  })
})
