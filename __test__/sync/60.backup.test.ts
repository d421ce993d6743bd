/** Copies into files, while the database goes on. */

import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import Database from 'actor-sqlite/better-sqlite3'
import { expect, test } from 'vitest'
import { type DatabaseSync, openDatabaseSync, openStorage } from '../../index.js'
import { rejection, stock, temporaryDirectory } from '../support.js'
import { newSync } from './support.js'

const FILL = `INSERT INTO t WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)
  SELECT randomblob(3000) FROM n`

function filled(db: DatabaseSync, rows: number): DatabaseSync {
  db.exec('CREATE TABLE t (x)')
  db.prepare(FILL).run(rows)
  return db
}

const target = (): { directory: string; path: string } => {
  const directory = temporaryDirectory()
  return { directory, path: join(directory, 'copy.db') }
}

const kinds: [string, () => DatabaseSync][] = [
  ['of a storage', () => newSync()],
  ['of a storage, gated', () => newSync({ durability: 'gated' })],
  ['of a directory', () => openDatabaseSync('a', { store: temporaryDirectory(), namespace: 'n' })],
  ['in memory', () => new Database()],
]

test.each(kinds)('a database %s is copied as it was, while it is written', async (_, make) => {
  const db = filled(make(), 1000)
  const { directory, path } = target()
  const pages = db.pragma('page_count', { simple: true }) as number
  const seen: number[] = []
  const info = await db.backup(path, {
    progress({ totalPages, remainingPages }) {
      expect(totalPages).toBe(pages)
      expect(existsSync(path)).toBe(false)
      seen.push(remainingPages)
      db.exec('DELETE FROM t WHERE rowid % 3 = 0; CREATE TABLE IF NOT EXISTS later (x)')
    },
  })
  expect(info).toEqual({ totalPages: pages, remainingPages: 0 })
  // More than one chunk, in steps that end where chunks do not.
  expect(pages).toBeGreaterThan(512)
  expect(seen).toEqual(Array.from({ length: Math.ceil(pages / 100) }, (_, step) => pages - step * 100))
  expect(stock(path, 'PRAGMA integrity_check; SELECT count(*), sum(length(x)) FROM t')).toEqual([
    'ok',
    '1000|3000000',
  ])
  expect(stock(path, 'SELECT name FROM sqlite_master')).toEqual(['t'])
  expect(readdirSync(directory)).toEqual(['copy.db'])
  db.close()
})

test('what was committed last is in it, and what is not committed is not', async () => {
  const db = filled(newSync({ durability: 'gated' }), 3)
  const { path } = target()
  db.prepare(FILL).run(4)
  db.exec('BEGIN; DELETE FROM t')
  await db.backup(path)
  db.exec('ROLLBACK')
  expect(stock(path, 'SELECT count(*) FROM t')).toEqual(['7'])
  const memory = filled(new Database(), 3)
  memory.exec('BEGIN; DELETE FROM t')
  expect(await rejection(memory.backup(path))).toMatchObject({ name: 'TypeError', code: 'ERR_BUSY' })
  expect(stock(path, 'SELECT count(*) FROM t')).toEqual(['7'])
})

test('it may begin in the middle of a call or of a result', async () => {
  for (const [, make] of kinds) {
    const db = filled(make(), 2)
    const [inside, beside] = [target().path, target().path]
    let started: Promise<unknown> | undefined
    db.function('begin', () => {
      started ??= db.backup(inside)
      return 1
    })
    db.prepare('SELECT begin() FROM t').all()
    await started
    // One a row: both are waited for, or the second to end would meet a closed database.
    const copies = Array.from(db.prepare('SELECT x FROM t').iterate(), () => db.backup(beside))
    await Promise.all(copies)
    for (const path of [inside, beside]) expect(stock(path, 'SELECT count(*) FROM t')).toEqual(['2'])
    db.close()
  }
})

test('progress says how many pages are next, and 0 pauses', async () => {
  const db = filled(newSync(), 5)
  const { totalPages } = await db.backup(target().path)
  const answers = [0, -1, 1, 0, 1.6, Number.POSITIVE_INFINITY]
  const seen: number[] = []
  const progress = ({ remainingPages }: { remainingPages: number }): number | undefined => {
    seen.push(totalPages - remainingPages)
    return answers[seen.length - 1]
  }
  await db.backup(target().path, { progress })
  expect(seen).toEqual([0, 0, 0, 1, 1, 3])
  const { path } = target()
  for (const answer of [null, '1', Number.NaN, 1n]) {
    const wrong = { progress: () => answer as unknown as number }
    expect((await rejection(db.backup(path, wrong))).message).toMatch(/^Expected progress callback/)
  }
  expect(existsSync(path)).toBe(false)
})

test('a database that is there is replaced, or kept if the copy fails; another file is left alone', async () => {
  const db = filled(newSync(), 5)
  const { directory, path } = target()
  await filled(newSync(), 2).backup(path)
  const before = readFileSync(path)
  const fails = { progress: () => expect.fail('enough') }
  expect((await rejection(db.backup(path, fails))).message).toBe('enough')
  expect(readFileSync(path).equals(before)).toBe(true)
  const link = join(directory, 'link.db')
  symlinkSync(path, link)
  await db.backup(link)
  expect(stock(path, 'SELECT count(*) FROM t')).toEqual(['5'])

  const other = join(directory, 'other')
  writeFileSync(other, 'not a database file')
  expect(await rejection(db.backup(other))).toMatchObject({ code: 'SQLITE_NOTADB' })
  expect(readFileSync(other, 'utf8')).toBe('not a database file')
  expect(await rejection(db.backup(directory))).toMatchObject({ code: 'SQLITE_CANTOPEN' })
  writeFileSync(`${path}-wal`, '')
  expect(await rejection(db.backup(path))).toMatchObject({ code: 'ERR_EXISTS' })
  expect(readdirSync(directory).sort()).toEqual(['copy.db', 'copy.db-wal', 'link.db', 'other'])
})

test('what cannot be is refused, by a promise', async () => {
  const db = newSync()
  const { directory, path } = target()
  const calls: [unknown, unknown, string][] = [
    [undefined, undefined, 'Expected first argument to be a string'],
    [path, 1, 'Expected second argument to be an options object'],
    [' ', undefined, 'Backup filename cannot be an empty string'],
    [':memory:', undefined, 'Invalid backup filename ":memory:"'],
    [path, { attached: 1 }, 'Expected the "attached" option to be a string'],
    [path, { attached: '' }, 'The "attached" option cannot be an empty string'],
    [path, { attached: 'other' }, 'unknown database other'],
    [path, { progress: 1 }, 'Expected the "progress" option to be a function'],
    [join(directory, 'x', 'y'), null, 'Cannot save backup because the directory does not exist'],
  ]
  for (const [to, options, message] of calls) {
    expect((await rejection(db.backup(to as string, options as object))).message).toBe(message)
  }
  expect(await db.backup(path, { attached: 'MAIN', progress: null })).toEqual({
    totalPages: 0,
    remainingPages: 0,
  })
  expect(readFileSync(path).length).toBe(0)
  db.close()
  expect((await rejection(db.backup(path))).message).toBe('The database connection is not open')
})

test('closing the database or its storage ends it', async () => {
  const storage = await openStorage({ store: temporaryDirectory() })
  const paused = { progress: () => 0 }
  const { directory, path } = target()
  const makers = [() => new Database(), () => openDatabaseSync('a', { store: temporaryDirectory() })]
  for (const make of makers) {
    const db = filled(make(), 5)
    const failed = rejection(db.backup(path, paused))
    while (readdirSync(directory).length === 0) await setImmediate()
    db.close()
    expect(await failed).toMatchObject({ name: 'TypeError', message: 'The database connection is not open' })
    expect(readdirSync(directory)).toEqual([])
  }
  const db = filled(openDatabaseSync('a', { store: storage }), 5)
  const failed = rejection(db.backup(path, paused))
  while (readdirSync(directory).length === 0) await setImmediate()
  await storage.close()
  expect(await failed).toMatchObject({ code: 'ERR_CLOSED' })
  expect(readdirSync(directory)).toEqual([])
})
