/** Commands, their exit codes, and what they say when they fail. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { openStorage } from '../../index.js'
import { commandHelp, programHelp } from '../../lib/cli/commands/help.js'
import { COMMANDS } from '../../lib/cli/commands/index.js'
import { cli, directory, environment, ok, program } from './support.js'

const at = ['--store', 'store']

beforeAll(() => {
  ok([
    'exec',
    'room',
    ...at,
    '--create',
    'CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, NULL)',
  ])
})

test('help and version', () => {
  expect(ok(['--version'])).toMatch(/^\d+\.\d+\.\d+\n$/)
  for (const args of [['help'], ['--help']]) expect(ok(args)).toContain('exec <actor>')
  for (const command of COMMANDS) {
    const own = commandHelp(command)
    expect(own).toContain(`Usage: actor-sqlite ${command.name}`)
    expect(own).toMatch(/Examples:\n {2}actor-sqlite /)
    expect(programHelp(COMMANDS)).toContain(`  ${command.name} `)
  }
  expect(ok(['help', 'query'])).toBe(ok(['query', '-h']))
  expect(cli([])).toMatchObject({ code: 2, stdout: ok(['help']) })
})

test('what is mistyped is named, with what may be meant', () => {
  const wrong: [string[], string][] = [
    [['qery', 'room'], 'there is no command "qery"\nDid you mean query?'],
    [['query', '--stroe', 'x'], 'there is no option --stroe\nDid you mean --store?'],
    [['query', 'room', 'SELECT 1', '--mode', 'bxo'], 'there is no mode "bxo"\nDid you mean box?'],
    [['query', 'room', 'SELECT 1', '--mode'], 'the option --mode needs a value'],
    [['query', 'room', 'SELECT 1', '--json=1'], 'the option --json takes no value'],
    [['query', 'room', 'SELECT 1', '--single'], 'there is no option --single'],
    [['query', 'room'], 'too few words for query'],
    [['stat', 'room', 'other'], 'too many words for stat'],
    [['list', '--limit', 'x', ...at], 'x is no number of actors'],
    [['query', 'room', 'SELECT 1; SELECT 2', ...at], 'query takes one statement'],
    [['exec', 'room', ...at], 'exec needs either SQL'],
    [['help', 'stats'], 'Did you mean stat?'],
  ]
  for (const [args, message] of wrong) {
    const { code, stderr, stdout } = cli(args)
    expect(stderr, args.join(' ')).toContain(message)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  }
})

test('nothing is made by accident', () => {
  for (const args of [
    ['query', 'room', 'SELECT 1'],
    ['exec', 'room', 'SELECT 1'],
    ['shell', 'room'],
    ['stat', 'room'],
  ]) {
    const { code, stderr } = cli([...args, '--store', 'nowhere'])
    expect(code, stderr).toBe(3)
    expect(stderr).toContain(`there is no store at ${join(directory, 'nowhere')}`)
  }
  expect(existsSync(join(directory, 'nowhere'))).toBe(false)
  expect(cli(['query', 'nobody', 'SELECT 1', ...at]).code).toBe(3)
  expect(cli(['stat', 'nobody', ...at]).code).toBe(3)
  expect(cli(['shell', 'nobody', ...at], { input: 'SELECT 1;' }).code).toBe(3)
})

test('the store is named by an option, the environment, or is ./data', () => {
  const count = ['query', 'room', 'SELECT count(*) FROM t']
  expect(ok(count, { env: { ACTOR_SQLITE_STORE: 'store' } })).toBe('1\n')
  expect(cli(count).stderr).toContain(join(directory, 'data'))
  expect(cli([...count, ...at, '--namespace', 'other']).code).toBe(3)
})

test('rows and parameters', () => {
  const types = 'SELECT typeof(?), typeof(?), typeof(?), typeof(?), typeof(?), ?'
  const query = ['query', ...at, 'room', types]
  expect(ok([...query, 'null', '-12', '1.5', "x'00ff'", '007', 'größe'])).toBe(
    'null|integer|real|blob|text|größe\n',
  )
  expect(ok([...query, '--text', 'null', '-12', '1.5', '1', '', '-'])).toBe('text|text|text|text|text|-\n')
  const big = ['9223372036854775807', '9223372036854775808']
  expect(ok(['query', ...at, 'room', 'SELECT ? + 0', big[0] ?? ''])).toBe(`${big[0]}\n`)
  expect(cli(['query', ...at, 'room', 'SELECT ?', big[1] ?? '']).code).toBe(2)
  expect(ok(['query', ...at, 'room', 'SELECT * FROM t', '--mode', 'csv', '--header'])).toBe('a,b\n1,\n')
  expect(ok(['query', ...at, 'room', 'SELECT * FROM t', '--json'])).toBe('[{"a":1,"b":null}]\n')
  expect(ok(['query', ...at, 'room', 'SELECT * FROM t WHERE 0', '--json'])).toBe('[]\n')
  expect(ok(['query', ...at, 'room', 'EXPLAIN QUERY PLAN SELECT * FROM t'])).toBe('QUERY PLAN\n`--SCAN t\n')
  const refused = cli(['query', ...at, 'room', '--readonly', 'DELETE FROM t'])
  expect(refused).toMatchObject({ code: 5, stderr: 'error: attempt to write a readonly database\n' })
})

test('a script ends at its first error, and says where that is', () => {
  const script =
    'INSERT INTO t VALUES (2, 2);\n\nINSERT INTO t\n  VALUES (2, nope);\nINSERT INTO t VALUES (3, 3);'
  writeFileSync(join(directory, 'script.sql'), script)
  const rows = () => ok(['query', ...at, 'room', 'SELECT group_concat(a) FROM t'])
  const single = cli(['exec', ...at, 'room', '--single', '-f', 'script.sql'])
  expect(single.code).toBe(5)
  expect(single.stderr).toBe(
    `error: line 3: no such column: nope\n    VALUES (2, nope);\n${' '.repeat(15)}^\n`,
  )
  expect(rows()).toBe('1\n')
  expect(cli(['exec', ...at, 'room', '-'], { input: script }).code).toBe(5)
  expect(rows()).toBe('1,2\n')
  const failed = cli(['exec', ...at, 'room', '--json', '-f', 'script.sql'])
  expect(failed).toMatchObject({ code: 5, stdout: '' })
  expect(JSON.parse(failed.stderr)).toMatchObject({
    error: { code: 'SQLITE_CONSTRAINT_PRIMARYKEY', errno: 1555, line: 1, exit: 5 },
  })
  expect(ok(['exec', ...at, 'room', '--json', 'DELETE FROM t WHERE a > 1; SELECT 1'])).toBe(
    '{"statements":2,"changes":1}\n',
  )
  expect(cli(['exec', ...at, 'room', '-f', 'missing.sql'])).toMatchObject({ code: 3 })
})

test('what the store knows of an actor', () => {
  expect(ok(['stat', ...at, 'room'])).toMatch(/^page size +4096$/m)
  const stat = JSON.parse(ok(['stat', ...at, 'room', '--json']))
  expect(stat).toMatchObject({ actor: 'room', namespace: '', pages: 2, pageSize: 4096 })
})

test('who holds the store is said', async () => {
  const storage = await openStorage({ store: join(directory, 'store') })
  try {
    const { code, stderr } = cli(['query', ...at, 'room', 'SELECT 1'])
    expect(code).toBe(4)
    expect(stderr).toContain(`the store ${join(directory, 'store')} is in use`)
    expect(stderr).toContain(`process ${process.pid} on `)
    const { error } = JSON.parse(cli(['stat', ...at, 'room', '--json']).stderr)
    expect(error).toMatchObject({
      code: 'ERR_IN_USE',
      exit: 4,
      holder: expect.stringContaining(String(process.pid)),
    })
  } finally {
    await storage.close()
  }
})

const ENDLESS = 'WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n'

test('a reader that goes away ends the program quietly', async () => {
  const child = spawn(process.execPath, [program, 'query', ...at, 'room', ENDLESS], {
    cwd: directory,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  child.stdout.once('data', () => child.stdout.destroy())
  const [code] = await once(child, 'close')
  expect({ code, complaint }).toEqual({ code: 0, complaint: '' })
})

test.skipIf(process.platform === 'win32')('Ctrl-C ends a command', async () => {
  const child = spawn(process.execPath, [program, 'query', ...at, 'room', ENDLESS], {
    cwd: directory,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  child.stdout.once('data', () => child.kill('SIGINT'))
  child.stdout.resume()
  const [code] = await once(child, 'close')
  expect({ code, complaint }).toEqual({ code: 130, complaint: 'error: interrupted\n' })
})
