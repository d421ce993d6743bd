/** Changes that are recorded in one database and made in another. */

import { constants } from 'actor-sqlite/node-sqlite'
import { describe, expect, test } from 'vitest'
import { memory, row, thrown } from './support.js'

describe('changes', () => {
  const table = 'CREATE TABLE t (id INTEGER PRIMARY KEY, x UNIQUE)'

  function recorded(sql: string): Uint8Array {
    const db = memory()
    db.exec(table)
    const session = db.createSession()
    db.exec(sql)
    return session.changeset()
  }

  test('of one database are made in another', () => {
    const [from, to] = [memory(), memory()]
    for (const db of [from, to]) db.exec(`${table}; CREATE TABLE u (id INTEGER PRIMARY KEY)`)
    const [all, one] = [from.createSession(), from.createSession({ table: 'u' })]
    const temporary = from.createSession({ db: 'temp' })
    from.exec("INSERT INTO t VALUES (1, 'a'); INSERT INTO u VALUES (7)")
    expect(temporary.changeset()).toEqual(new Uint8Array())
    expect(one.patchset().length).toBeLessThan(all.patchset().length)
    expect(to.applyChangeset(all.changeset(), { filter: (name) => name === 't' })).toBe(true)
    expect(to.prepare('SELECT (SELECT count(*) FROM t) t, (SELECT count(*) FROM u) u').get()).toEqual(
      row({ t: 1, u: 0 }),
    )
    expect(to.applyChangeset(one.patchset())).toBe(true)
    all.close()
    expect(thrown(() => all.changeset())).toEqual(['ERR_INVALID_STATE', 'session is not open'])
    one[Symbol.dispose]()
    one[Symbol.dispose]()
    from.close()
    expect(thrown(() => temporary.changeset())).toEqual(['ERR_INVALID_STATE', 'database is not open'])
  })

  test('that do not fit are asked about', () => {
    const changes = recorded("INSERT INTO t VALUES (1, 'new')")
    const apply = (onConflict?: (kind: number) => number): [boolean, unknown] => {
      const db = memory()
      db.exec(`${table}; INSERT INTO t VALUES (1, 'old')`)
      const applied = db.applyChangeset(changes, onConflict === undefined ? {} : { onConflict })
      return [applied, db.prepare('SELECT x FROM t').get()?.['x']]
    }
    const kinds: number[] = []
    expect(apply()).toEqual([false, 'old'])
    expect(apply((kind) => kinds.push(kind) && constants.SQLITE_CHANGESET_ABORT)).toEqual([false, 'old'])
    expect(apply(() => constants.SQLITE_CHANGESET_OMIT)).toEqual([true, 'old'])
    expect(apply(() => constants.SQLITE_CHANGESET_REPLACE)).toEqual([true, 'new'])
    expect(kinds).toEqual([constants.SQLITE_CHANGESET_CONFLICT])
    const misuse = [
      'ERR_SQLITE_ERROR',
      'bad parameter or other API misuse',
      21,
      'bad parameter or other API misuse',
    ]
    for (const answer of [-1, 9, null, {}, Promise.resolve(0)]) {
      expect(thrown(() => apply(() => answer as number))).toEqual(misuse)
    }
  })

  test('what a handler throws comes through unchanged, and nothing is applied', () => {
    const changes = recorded("INSERT INTO t VALUES (1, 'new'), (2, 'more')")
    const db = memory()
    db.exec(`${table}; INSERT INTO t VALUES (1, 'old')`)
    for (const mistake of [new Error('mine'), 'a text', undefined]) {
      for (const options of ['filter', 'onConflict'].map((name) => ({
        [name]: () => {
          throw mistake
        },
      }))) {
        let caught: unknown = 'nothing'
        try {
          db.applyChangeset(changes, options)
        } catch (error) {
          caught = error
        }
        expect(caught).toBe(mistake)
      }
    }
    expect(db.prepare('SELECT x FROM t', { returnArrays: true }).all()).toEqual([['old']])
    expect(db.applyChangeset(changes, { onConflict: () => 0 })).toBe(true)
  })

  test('a handler cannot use the database, nor close it', () => {
    const changes = recorded("INSERT INTO t VALUES (1, 'new')")
    const db = memory()
    db.exec(table)
    const inside = (call: () => void): unknown[] =>
      thrown(() => db.applyChangeset(changes, { filter: () => call() === undefined }))
    expect(inside(() => db.exec('SELECT 1'))[0]).toBe('ERR_INVALID_STATE')
    expect(inside(() => db.close())).toEqual([
      'ERR_INVALID_STATE',
      'database cannot be closed while in a callback',
    ])
    expect(db.applyChangeset(changes)).toBe(true)
  })

  test('arguments that are wrong', () => {
    const db = memory()
    expect(thrown(() => db.applyChangeset('x' as never))[1]).toBe(
      'The "changeset" argument must be a Uint8Array.',
    )
    expect(thrown(() => db.applyChangeset(new Uint8Array(3))).slice(0, 3)).toEqual([
      'ERR_SQLITE_ERROR',
      'database disk image is malformed',
      11,
    ])
    expect(db.applyChangeset(new Uint8Array())).toBe(true)
    for (const options of [{ filter: 1 }, { onConflict: 1 }, 1]) {
      expect(thrown(() => db.applyChangeset(new Uint8Array(), options as never))[0]).toBe(
        'ERR_INVALID_ARG_TYPE',
      )
    }
    for (const options of [{ table: 1 }, { db: 1 }, null]) {
      expect(thrown(() => db.createSession(options as never))[0]).toBe('ERR_INVALID_ARG_TYPE')
    }
  })
})
