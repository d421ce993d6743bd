/** Images of databases, and backups. */

import { join } from 'node:path'
import { backup, DatabaseSync } from 'actor-sqlite/node-sqlite'
import { describe, expect, test } from 'vitest'
import { directory, memory, nextPath, row, thrown } from './support.js'

describe('images', () => {
  test('go out, and replace what is there', () => {
    const path = nextPath()
    const [from, to] = [memory(), new DatabaseSync(path)]
    from.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)')
    const image = from.serialize()
    expect(Object.getPrototypeOf(image)).toBe(Uint8Array.prototype)
    expect(Buffer.from(image.subarray(0, 15)).toString()).toBe('SQLite format 3')
    to.exec('CREATE TABLE other (x)')
    const [statement, session] = [to.prepare('SELECT 1'), to.createSession()]
    to.deserialize(image)
    expect(thrown(() => statement.get())[1]).toBe('statement has been finalized')
    expect(thrown(() => session.changeset())[1]).toBe('session is not open')
    to.exec('INSERT INTO t VALUES (2)')
    to.close()
    to.open()
    expect(to.prepare('SELECT x FROM t', { returnArrays: true }).all()).toEqual([[1], [2]])
    expect(to.prepare("SELECT count(*) n FROM sqlite_schema WHERE name = 'other'").get()).toEqual(
      row({ n: 0 }),
    )
    to.close()
  })

  test('that are none', () => {
    const db = memory()
    db.exec('CREATE TABLE mine (x)')
    expect(thrown(() => db.deserialize('x' as never))[1]).toBe('The "buffer" argument must be a Uint8Array.')
    expect(thrown(() => db.deserialize(new Uint8Array()))[1]).toBe('The "buffer" argument must not be empty.')
    expect(thrown(() => db.deserialize(Buffer.from('garbage'))).slice(1, 3)).toEqual([
      'file is not a database',
      26,
    ])
    expect(thrown(() => db.serialize('nothing'))[1]).toBe('unknown database nothing')
    expect(thrown(() => db.serialize(1 as never))[0]).toBe('ERR_INVALID_ARG_TYPE')
    expect(db.prepare('SELECT name FROM sqlite_schema').get()).toEqual(row({ name: 'mine' }))
  })

  test('an empty database has one as well, and a function cannot replace its database', () => {
    const db = memory()
    db.exec('CREATE TABLE mine (x)')
    const image = memory().serialize()
    expect(image).toHaveLength(4096)
    db.function('replace_it', () => {
      db.deserialize(image)
      return 1
    })
    expect(thrown(() => db.prepare('SELECT replace_it()').get())).toEqual([
      'ERR_INVALID_STATE',
      'database cannot be deserialized while in a callback',
    ])
    db.deserialize(image)
    expect(db.prepare('SELECT count(*) n FROM sqlite_schema').get()).toEqual(row({ n: 0 }))
  })

  test('backup() puts one into another database', async () => {
    const [from, path] = [memory(), nextPath()]
    from.exec("CREATE TABLE t (x); INSERT INTO t VALUES ('one')")
    const told: unknown[] = []
    const copied = backup(from, path, { rate: 1, progress: (progress) => told.push(progress) })
    // The copy is of the moment of the call.
    from.exec("INSERT INTO t VALUES ('two')")
    expect(await copied).toBe(2)
    expect(told).toEqual([{ totalPages: 2, remainingPages: 1 }])
    const to = new DatabaseSync(path)
    expect(to.prepare('SELECT x FROM t', { returnArrays: true }).all()).toEqual([['one']])
    to.close()
    const mistake = new Error('mine')
    const progress = (): void => {
      throw mistake
    }
    await expect(backup(from, nextPath(), { rate: 1, progress })).rejects.toBe(mistake)
    await expect(backup(from, nextPath(), { source: 'no' })).rejects.toThrow('unknown database no')
    await expect(backup(from, join(directory, 'no', 'x'))).rejects.toThrow('unable to open database file')
    expect(thrown(() => backup({} as never, path))[1]).toBe('The "sourceDb" argument must be an object.')
    expect(thrown(() => backup(from, path, { rate: 0 }))[0]).toBe('ERR_OUT_OF_RANGE')
    expect(thrown(() => backup(from, path, { progress: 1 as never }))[0]).toBe('ERR_INVALID_ARG_TYPE')
    expect([backup.name, backup.length]).toEqual(['backup', 2])
  })
})
