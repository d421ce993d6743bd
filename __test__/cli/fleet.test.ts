/** Commands on many actors, and files out. */

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { openStorage } from '../../index.js'
import { cli, directory, OnTerminal, ok, sqlite3Version, terminals } from './support.js'

const at = ['--store', 'store']
const inside = (file: string): string => join(directory, file)

beforeAll(async () => {
  const storage = await openStorage({ store: inside('store') })
  for (const actor of ['room-1', 'room-2', 'lobby', 'two\nlines']) {
    const db = await storage.open(actor)
    await db.exec("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, NULL), (2, 'ü''s'), (1e20, x'00')")
  }
  const other = await storage.open('elsewhere', { namespace: 'other' })
  await other.exec(
    'CREATE TABLE t(a CHECK (a > 0)); PRAGMA ignore_check_constraints = 1; INSERT INTO t VALUES (-1)',
  )
  await storage.close()
})

test('actors are listed, and looked up', () => {
  expect(ok(['list', ...at])).toBe('lobby\nroom-1\nroom-2\n"two\\nlines"\n')
  expect(ok(['list', ...at, 'room-', '--limit', '1'])).toBe('room-1\n')
  expect(ok(['list', ...at, '--after', 'room-1', '--json', '--limit', '1'])).toBe(
    '{"actor":"room-2","namespace":""}\n',
  )
  expect(ok(['list', ...at, '-n', 'other', '--long'])).toMatch(/^ +\d+ +8192 {2}\d{4}-.*Z {2}elsewhere\n$/)
  expect(JSON.parse(ok(['list', ...at, 'lobby', '--long', '--json']))).toMatchObject({
    actor: 'lobby',
    pages: 2,
  })
  expect(ok(['list', ...at, 'nobody'])).toBe('')
  const sums = JSON.parse(ok(['stat', ...at, '--json']))
  expect(sums).toMatchObject({ actors: 4, pages: 8, databaseBytes: 32768, namespace: '' })
  expect(ok(['stat', ...at])).toMatch(/^actors +4$/m)
})

test('a whole store is verified', () => {
  const sound = cli(['verify', ...at])
  expect(sound).toMatchObject({ code: 0, stderr: '4 sound, 0 damaged\n' })
  expect(sound.stdout.trim().split('\n')).toHaveLength(4)
  const damaged = cli(['verify', ...at, '-n', 'other', '--json', '--quiet'])
  expect(damaged).toMatchObject({ code: 1, stderr: '' })
  expect(JSON.parse(damaged.stdout)).toMatchObject({
    actor: 'elsewhere',
    namespace: 'other',
    damage: [],
    integrity: ['CHECK constraint failed in t'],
  })
})

test('an actor becomes a file that any SQLite opens', () => {
  const written = JSON.parse(ok(['export', 'room-1', 'room.db', ...at, '--json']))
  expect(written).toMatchObject({ actor: 'room-1', format: 'db', file: 'room.db', pages: 2, bytes: 8192 })
  const bytes = readFileSync(inside('room.db'))
  expect(bytes.toString('latin1', 0, 15)).toBe('SQLite format 3')
  expect(cli(['export', 'room-1', 'room.db', ...at]).code).toBe(1)
  ok(['export', 'room-1', 'room.db', ...at, '--overwrite'])
  expect(ok(['export', 'room-1', '-', '--format', 'db', ...at])).toBe(bytes.toString('utf8'))
  expect(cli(['export', 'nobody', 'none.db', ...at]).code).toBe(3)
  if (sqlite3Version() !== undefined) {
    const read = spawnSync('sqlite3', ['room.db', 'SELECT count(*) FROM t; PRAGMA integrity_check'], {
      cwd: directory,
      encoding: 'utf8',
    })
    expect(read.stdout).toBe('3\nok\n')
  }
})

test('a file becomes an actor', () => {
  const at = ['--store', 'files']
  expect(cli(['import', 'loaded', 'missing.db', ...at, '--create']).code).toBe(3)
  expect(existsSync(inside('files'))).toBe(false)
  ok(['export', 'room-2', 'loaded.db', '--store', 'store'])
  const done = JSON.parse(ok(['import', 'loaded', 'loaded.db', ...at, '--create', '--json']))
  expect(done).toMatchObject({ actor: 'loaded', format: 'db', pages: 2, bytes: 8192 })
  expect(ok(['query', 'loaded', 'SELECT count(*) FROM t', ...at])).toBe('3\n')
  expect(cli(['import', 'loaded', 'loaded.db', ...at])).toMatchObject({ code: 1 })
  expect(cli(['import', 'loaded', 'loaded.db', ...at, '--overwrite'])).toMatchObject({
    code: 0,
    stderr: '2 pages\n',
  })
  writeFileSync(inside('text.db'), 'this is no database')
  expect(cli(['import', 'text', 'text.db', ...at])).toMatchObject({ code: 1 })
  expect(ok(['list', ...at])).toBe('loaded\n')
})

test('tables become text, and a text becomes the same tables', () => {
  ok(['export', 'room-1', 'room.sql', ...at])
  const dump = readFileSync(inside('room.sql'), 'utf8')
  expect(dump).toBe(ok(['shell', 'room-1', ...at], { input: '.dump' }))
  ok(['import', 'copy', 'room.sql', ...at])
  expect(ok(['export', 'copy', '-', '--format', 'sql', ...at])).toBe(dump)
  ok(['export', 'room-1', 'room.csv', '--table', 't', ...at])
  expect(readFileSync(inside('room.csv'), 'utf8')).toBe('a,b\r\n1,\r\n2,"ü\'s"\r\n1.0e+20,""\r\n')
  expect(ok(['export', 'room-1', '-', '--format', 'tsv', '-t', 't', ...at])).toContain('a\tb\n1\t\n')
  const query = ['--query', 'SELECT a FROM t WHERE a < 2', '--format', 'json']
  expect(ok(['export', 'room-1', '-', ...query, ...at])).toBe('[{"a":1}]\n')
  expect(cli(['export', 'room-1', 'no.csv', ...at])).toMatchObject({ code: 2 })
  expect(cli(['export', 'room-1', 'no.csv', '-t', 'nope', ...at])).toMatchObject({ code: 5 })
  expect(readdirSync(directory).filter((name) => name.startsWith('no.csv'))).toEqual([])
})

test('the shell reads and writes files too', () => {
  writeFileSync(inside('plain.csv'), 'x,y\n1,2\n3,4\n')
  const input = `.import plain.csv
.import --csv --skip 1 plain.csv plain
SELECT count(*) FROM plain;
BEGIN;
.import plain.csv again
ROLLBACK;
.tables
.export plain.json plain
.export shell.db
`
  const { code, stdout, stderr } = cli(['shell', 'files', '--create', ...at], { input })
  expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: '4\nplain\n' })
  expect(stderr).toContain('2 rows in plain\n')
  expect(JSON.parse(readFileSync(inside('plain.json'), 'utf8'))).toHaveLength(4)
  expect(existsSync(inside('shell.db'))).toBe(true)
  const wrong = cli(['shell', 'files', ...at], { input: '.import plain.csv --skpi 1\n' })
  expect(wrong.stderr).toContain('Did you mean --skip?')
})

test('room is given back', async () => {
  const storage = await openStorage({ store: inside('compact') })
  const db = await storage.open('fat')
  await db.exec('CREATE TABLE t(a); PRAGMA user_version = 7')
  await db.exec(`INSERT INTO t WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    SELECT randomblob(3000) FROM n; DELETE FROM t WHERE rowid > 10`)
  await storage.close()
  const { before, after } = JSON.parse(ok(['compact', 'fat', '--store', 'compact', '--json']))
  expect(before).toBeGreaterThan(1_500_000)
  expect(after).toBeLessThan(100_000)
  expect(
    ok(['query', 'fat', '--store', 'compact', 'SELECT count(*), (SELECT * FROM pragma_user_version) FROM t']),
  ).toBe('10|7\n')
  expect(ok(['compact', '--store', 'compact'])).toMatch(/^fat: .* before, .* after\n$/)
  expect(cli(['compact', 'nobody', '--store', 'compact']).code).toBe(3)
})

test('an actor is deleted, if that is meant', () => {
  ok(['exec', 'gone', ...at, 'CREATE TABLE t(a)'])
  expect(cli(['delete', 'gone', ...at])).toMatchObject({ code: 2 })
  expect(JSON.parse(ok(['delete', 'gone', '--yes', '--json', ...at]))).toMatchObject({
    actor: 'gone',
    deleted: true,
  })
  expect(cli(['delete', 'gone', '--yes', ...at])).toMatchObject({
    code: 3,
    stderr: 'error: there is no actor gone\n',
  })
  expect(cli(['delete', 'gone', '--yes', '--if-exists', ...at]).code).toBe(0)
  expect(ok(['list', ...at, 'gone'])).toBe('')
})

describe.runIf(terminals)('on a terminal', () => {
  test('delete asks', async () => {
    ok(['exec', 'asked', ...at, 'CREATE TABLE t(a)'])
    const refused = new OnTerminal(['delete', 'asked', ...at])
    await refused.sees('Delete asked for ever? [y/N]')
    refused.type('\n')
    expect(await refused.ended()).toBe(1)
    const agreed = new OnTerminal(['delete', 'asked', ...at])
    await agreed.sees('[y/N]')
    agreed.type('y\n')
    expect(await agreed.ended()).toBe(0)
    expect(ok(['list', ...at, 'asked'])).toBe('')
  })

  test('what takes long says how far it is', async () => {
    const statements = 'INSERT INTO t VALUES (hex(zeroblob(200)));\n'.repeat(40_000)
    writeFileSync(inside('long.sql'), `CREATE TABLE t(a);\n${statements}`)
    const terminal = new OnTerminal(['import', 'long', 'long.sql', ...at])
    await terminal.sees('importing long.sql [')
    await terminal.sees(' left')
    await terminal.sees('40001 statements')
    expect(await terminal.ended()).toBe(0)
    const quiet = cli(['import', 'quiet', 'long.sql', ...at])
    expect(quiet).toMatchObject({ code: 0, stdout: '', stderr: '40001 statements\n' })
  })
})
