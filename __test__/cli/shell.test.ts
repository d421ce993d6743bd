/** The shell: as a script from standard input, and on a terminal. */

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { cli, directory, OnTerminal, ok, terminals } from './support.js'

const shell = ['shell', 'room', '--store', 'store']

beforeAll(() => {
  ok([
    'exec',
    'room',
    '--store',
    'store',
    '--create',
    'CREATE TABLE message(id INTEGER PRIMARY KEY, author_name)',
  ])
})

test('a script ends at its first error, unless it is told otherwise', () => {
  const input = 'SELECT 1;\nSELECT nope;\nSELECT 2;\n'
  const ended = cli(shell, { input })
  expect(ended).toMatchObject({ code: 5, stdout: '1\n' })
  expect(ended.stderr).toContain('line 2: no such column: nope')
  const went = cli(shell, { input: `.bail off\n${input}` })
  expect(went).toMatchObject({ code: 1, stdout: '1\n2\n' })
  expect(cli(shell, { input: '.quit 7\nSELECT 1;' })).toMatchObject({ code: 7, stdout: '' })
  expect(cli(shell, { input: '.tabels\n' }).stderr).toContain('Did you mean .tables?')
  expect(cli(shell, { input: '.mode nope\n' })).toMatchObject({ code: 2 })
  expect(cli(shell, { input: '.read nope.sql\n' })).toMatchObject({ code: 3 })
})

test('dot commands', () => {
  writeFileSync(join(directory, 'part.sql'), "SELECT 'part';\n.print from the file\n")
  writeFileSync(join(directory, 'loop.sql'), '.read loop.sql\n')
  const input = `# not SQL
.read part.sql
.output result.txt
SELECT 'to the file';
.output
SELECT 'to the screen';
.once once.txt
SELECT 'once';
SELECT 'again';
.changes on
INSERT INTO message VALUES (1, 'ada');
.changes off
.timer on
SELECT 1;
.timer off
.databases
.hel
.show
SELECT 'no semicolon at the end'`
  const printed = ok(shell, { input })
  expect(printed).toContain('part\nfrom the file\nto the screen\nagain\nchanges: 1   total_changes: 1\n')
  expect(printed).toMatch(/Run Time: real \d+\.\d{3} user \d+\.\d{6} sys \d+\.\d{6}\n/)
  expect(printed).toContain('main: store room r/w\n')
  expect(printed).toMatch(/no semicolon at the end\n$/)
  expect(readFileSync(join(directory, 'result.txt'), 'utf8')).toBe('to the file\n')
  expect(readFileSync(join(directory, 'once.txt'), 'utf8')).toBe('once\n')
  expect(cli(shell, { input: '.read loop.sql\n' }).stderr).toContain('more than 25 files')
  const help = ok(shell, { input: '.help\n' })
  for (const name of [
    'tables',
    'schema',
    'mode',
    'headers',
    'timer',
    'explain',
    'read',
    'dump',
    'indexes',
    'quit',
  ]) {
    expect(help).toContain(`.${name} `)
  }
})

describe.runIf(terminals)('on a terminal', () => {
  test('statements of many lines, in a box', async () => {
    const terminal = new OnTerminal(shell)
    await terminal.sees('room> ')
    terminal.type("SELECT 'x;\n")
    await terminal.sees('...> ')
    terminal.type("y' AS a;\n")
    await terminal.sees('│ x; │\r\n│ y  │')
    terminal.type('SELECT nope;\n')
    await terminal.sees('error: no such column: nope')
    await terminal.sees('room> ')
    terminal.type('.quit\n')
    expect(await terminal.ended()).toBe(0)
  })

  test('Ctrl-C interrupts what runs, clears what is typed, and leaves the second time', async () => {
    const terminal = new OnTerminal(shell)
    await terminal.sees('room> ')
    terminal.type('WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n;\r')
    await terminal.sees('max(i) FROM n;')
    await new Promise((resolve) => setTimeout(resolve, 200))
    terminal.type('\x03')
    await terminal.sees('error: interrupted')
    await terminal.sees('room> ')
    terminal.type('SELECT\n')
    await terminal.sees('...> ')
    terminal.type('\x03')
    await terminal.sees('room> ')
    terminal.type("SELECT 'still ' || 'here';\n")
    await terminal.sees('still here')
    await terminal.sees('room> ')
    terminal.type('\x03')
    await terminal.sees('Ctrl-C again, Ctrl-D or .quit leaves.')
    terminal.type('\x03')
    expect(await terminal.ended()).toBe(0)
  })

  test('the tab key completes keywords, names and dot commands', async () => {
    const terminal = new OnTerminal(shell)
    await terminal.sees('room> ')
    terminal.type('SELECT auth\t')
    await terminal.sees('author_name')
    terminal.type(' FROM mess\t')
    await terminal.sees('message')
    terminal.type(' WHER\t')
    await terminal.sees('WHERE')
    terminal.type(' 0;\n.tab\t')
    await terminal.sees('.tables')
    terminal.type('\n')
    await terminal.sees('message')
    terminal.type('\x04')
    expect(await terminal.ended()).toBe(0)
  })

  test('lines are remembered, for the user alone', async () => {
    const history = join(directory, 'state', 'history')
    const first = new OnTerminal(shell, { ACTOR_SQLITE_HISTORY: history })
    await first.sees('room> ')
    first.type("SELECT 'a' || 'b';\n")
    await first.sees('ab')
    await first.sees('room> ')
    first.type('\x04')
    await first.ended()
    expect(readFileSync(history, 'utf8')).toBe("SELECT 'a' || 'b';\n")
    expect(statSync(history).mode & 0o777).toBe(0o600)
    const second = new OnTerminal(shell, { ACTOR_SQLITE_HISTORY: history })
    await second.sees('room> ')
    second.type('\x1b[A\n')
    await second.sees('ab')
    second.type('.quit\n')
    expect(await second.ended()).toBe(0)
  })
})
