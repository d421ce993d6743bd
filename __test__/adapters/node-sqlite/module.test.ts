/** The module's names and classes, as those of `node:sqlite`. */

import { createRequire } from 'node:module'
import sqlite, { constants, DatabaseSync, Session, StatementSync } from 'actor-sqlite/node-sqlite'
import { describe, expect, test } from 'vitest'
import { memory, thrown } from './support.js'

describe('the module', () => {
  test('has the names of the one of Node', () => {
    expect(Object.keys(sqlite).sort()).toEqual(
      expect.arrayContaining(['DatabaseSync', 'Session', 'StatementSync']),
    )
    expect(sqlite.DatabaseSync).toBe(DatabaseSync)
    expect([DatabaseSync, StatementSync, Session].map((type) => type.name)).toEqual([
      'DatabaseSync',
      'StatementSync',
      'Session',
    ])
    expect(constants.SQLITE_CHANGESET_REPLACE).toBe(1)
    expect(constants.SQLITE_RECURSIVE).toBe(33)
  })

  test('classes say how they cannot be called', () => {
    const call = DatabaseSync as unknown as () => void
    expect(thrown(() => call())).toEqual([
      'ERR_CONSTRUCT_CALL_REQUIRED',
      'Cannot call constructor without `new`',
    ])
    expect(thrown(() => new StatementSync())).toEqual(['ERR_ILLEGAL_CONSTRUCTOR', 'Illegal constructor'])
    expect(thrown(() => new Session())).toEqual(['ERR_ILLEGAL_CONSTRUCTOR', 'Illegal constructor'])
    const db = memory()
    expect(db).toBeInstanceOf(DatabaseSync)
    expect(db.prepare('SELECT 1')).toBeInstanceOf(StatementSync)
    expect(db.createSession()).toBeInstanceOf(Session)
    expect(Object.getOwnPropertyDescriptor(db, Symbol.for('sqlite-type'))?.value).toBe('node:sqlite')
    class Mine extends DatabaseSync {
      answer = 42
    }
    const mine = new Mine(':memory:')
    expect([mine instanceof DatabaseSync, mine.answer, mine.isOpen]).toEqual([true, 42, true])
    mine.close()
  })

  test.runIf('require' in process.features)('can be required', () => {
    const required = createRequire(import.meta.url)('actor-sqlite/node-sqlite')
    expect(required.DatabaseSync).toBe(DatabaseSync)
  })
})
