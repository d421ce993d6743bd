/** Where the databases of `actor-sqlite/node-sqlite` are. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DatabaseSync } from 'actor-sqlite/node-sqlite'
import { describe, expect, test } from 'vitest'
import { openDatabaseSync, openStorage, StorageError } from '../../../index.js'
import { directory, memory, nextPath, row, thrown } from './support.js'

describe('where databases are', () => {
  test('beside the named file, and there again after the close', () => {
    const path = nextPath()
    const db = new DatabaseSync(path)
    db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)')
    expect(db.location()).toBe(path)
    expect(db.location('temp')).toBeNull()
    db.close()
    expect(existsSync(join(directory, '.actor-sqlite'))).toBe(true)
    for (const again of [path, Buffer.from(path), pathToFileURL(path), pathToFileURL(path).href]) {
      const next = new DatabaseSync(again)
      expect(next.prepare('SELECT x FROM t').get()).toEqual(row({ x: 1 }))
      next.close()
    }
  })

  test('in the store that is said', async () => {
    const store = join(directory, 'store')
    const db = new DatabaseSync('room-42', { store })
    db.exec('CREATE TABLE t (x)')
    db.close()
    const actor = openDatabaseSync('room-42', { store })
    expect(actor.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['t'])
    actor.close()

    const storage = await openStorage({ store })
    const inside = new DatabaseSync('room-43', { store: storage })
    const statement = inside.prepare('SELECT 1')
    await storage.close()
    expect(inside.isOpen).toBe(false)
    expect(thrown(() => statement.get())).toEqual(['ERR_INVALID_STATE', 'statement has been finalized'])
    expect(thrown(() => new DatabaseSync('x', { store: 5 as never }))[0]).toBe('ERR_INVALID_ARG_TYPE')
  })

  test('or in the one of the environment', () => {
    const store = join(directory, 'environment')
    process.env['ACTOR_SQLITE_STORE'] = store
    try {
      const db = new DatabaseSync('a/name/with/slashes')
      expect(db.location()).toBe('a/name/with/slashes')
      db.close()
      expect(existsSync(store)).toBe(true)
    } finally {
      delete process.env['ACTOR_SQLITE_STORE']
    }
  })

  test('in memory, each for itself', () => {
    for (const name of [':memory:', '', 'file::memory:', 'file:x?mode=memory']) {
      const [one, other] = [new DatabaseSync(name), new DatabaseSync(name)]
      one.exec('CREATE TABLE t (x)')
      other.exec('CREATE TABLE t (x)')
      expect(one.location()).toBeNull()
      one.close()
      other.close()
    }
  })

  test('a database that must be there and is not', () => {
    const missing = ['ERR_SQLITE_ERROR', 'unable to open database file', 14, 'unable to open database file']
    expect(thrown(() => new DatabaseSync(nextPath(), { readOnly: true }))).toEqual(missing)
    expect(thrown(() => new DatabaseSync(join(directory, 'no', 'where.db')))).toEqual(missing)
    expect(thrown(() => new DatabaseSync(`${pathToFileURL(nextPath())}?mode=rw`))).toEqual(missing)
  })

  test('read only, by option and by URL', () => {
    const path = nextPath()
    const db = new DatabaseSync(path)
    db.exec('CREATE TABLE t (x)')
    db.close()
    const readonly = new DatabaseSync(path, { readOnly: true })
    const refused = ['ERR_SQLITE_ERROR', 'attempt to write a readonly database', 8]
    expect(thrown(() => readonly.exec('INSERT INTO t VALUES (1)')).slice(0, 3)).toEqual(refused)
    readonly.close()
    const byUrl = new DatabaseSync(`${pathToFileURL(path)}?mode=ro`)
    expect(thrown(() => byUrl.exec('INSERT INTO t VALUES (1)')).slice(0, 3)).toEqual(refused)
    byUrl.close()
    const inMemory = memory({ readOnly: true })
    expect(thrown(() => inMemory.exec('CREATE TABLE t (x)')).slice(0, 3)).toEqual(refused)
  })

  test('one owner: who opens a second time fences the first', () => {
    const path = nextPath()
    const [first, second] = [new DatabaseSync(path), new DatabaseSync(path)]
    second.exec('CREATE TABLE t (x)')
    expect(() => first.exec('CREATE TABLE t (x)')).toThrow(StorageError)
    second.close()
    expect(() => first.close()).not.toThrow()
  })

  test('paths that are none', () => {
    const message = 'The "path" argument must be a string, Uint8Array, or URL without null bytes.'
    for (const path of [undefined, 5, {}, 'a\0b', Buffer.from('a\0b')]) {
      expect(thrown(() => new DatabaseSync(path as never))).toEqual(['ERR_INVALID_ARG_TYPE', message])
    }
    expect(thrown(() => new DatabaseSync(new URL('http://example.com')))).toEqual([
      'ERR_INVALID_URL_SCHEME',
      'The URL must be of scheme file:',
    ])
  })
})
