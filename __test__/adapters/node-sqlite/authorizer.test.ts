/** A program's authorizer. */

import { constants } from 'actor-sqlite/node-sqlite'
import { describe, expect, test } from 'vitest'
import { memory, row, thrown } from './support.js'

describe('an authorizer', () => {
  test('is asked in the words of SQLite, also about what was compiled before it', () => {
    const db = memory()
    const before = db.prepare('SELECT 1')
    const asked: unknown[][] = []
    db.setAuthorizer((...question) => {
      asked.push(question)
      return constants.SQLITE_OK
    })
    db.exec('CREATE TABLE t (a)')
    expect(asked[0]).toEqual([constants.SQLITE_INSERT, 'sqlite_master', null, 'main', null])
    asked.length = 0
    before.get()
    expect(asked).toEqual([[constants.SQLITE_SELECT, null, null, null, null]])
    db.setAuthorizer(null)
    before.get()
    expect(asked).toHaveLength(1)
  })

  test('denies, ignores, and cannot allow what the store denies', () => {
    const db = memory()
    db.exec("CREATE TABLE t (a, b); INSERT INTO t VALUES ('a', 'b')")
    db.setAuthorizer((action, _, column) =>
      action === constants.SQLITE_READ && column === 'b' ? constants.SQLITE_IGNORE : constants.SQLITE_OK,
    )
    expect(db.prepare('SELECT a, b FROM t').get()).toEqual(row({ a: 'a', b: null }))
    expect(thrown(() => db.exec("ATTACH 'x' AS y")).slice(0, 3)).toEqual([
      'ERR_SQLITE_ERROR',
      'not authorized',
      23,
    ])
    db.setAuthorizer(() => constants.SQLITE_DENY)
    expect(thrown(() => db.prepare('SELECT 1')).slice(1, 3)).toEqual(['not authorized', 23])
  })

  test('that throws, or answers something else', () => {
    const db = memory()
    const mistake = new Error('mine')
    db.setAuthorizer(() => {
      throw mistake
    })
    expect(() => db.exec('SELECT 1')).toThrow(mistake)
    db.setAuthorizer(() => '1' as never)
    expect(thrown(() => db.exec('SELECT 1'))[1]).toBe(
      'Authorizer callback must return an integer authorization code',
    )
    db.setAuthorizer(() => 3)
    expect(thrown(() => db.exec('SELECT 1'))[1]).toBe(
      'Authorizer callback returned a invalid authorization code',
    )
    expect(thrown(() => db.setAuthorizer({} as never))[0]).toBe('ERR_INVALID_ARG_TYPE')
  })
})
