/** Files in and out, and checks of what is there. */

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CsvReader } from '../../lib/cli/transfer/csv.js'
import { randomNumbers, seed } from '../support.js'
import { cli, directory, ok } from './support.js'

const at = ['--store', 'store']
const write = (name: string, text: string): void => writeFileSync(join(directory, name), text)
const rows = (actor: string, sql: string): unknown => JSON.parse(ok(['query', actor, ...at, '--json', sql]))

test('CSV is read the same in whichever pieces it comes', () => {
  console.log(`SEED=${seed}`)
  const random = randomNumbers()
  const pieces = ['a', '', 'x y', 'ü', 'it,s', 'say "hi"', 'two\nlines', 'cr\r\nlf', '"', '1.5']
  for (let round = 0; round < 200; round += 1) {
    const table = Array.from({ length: 1 + Math.floor(random() * 5) }, () =>
      Array.from(
        { length: 1 + Math.floor(random() * 4) },
        () => pieces[Math.floor(random() * pieces.length)] ?? '',
      ),
    )
    const end = random() < 0.5 ? '\n' : '\r\n'
    const field = (text: string): string =>
      /["\n\r,]/.test(text) || random() < 0.3 ? `"${text.replaceAll('"', '""')}"` : text
    const text = table.map((row) => row.map(field).join(',') + end).join('')
    const reader = new CsvReader(',')
    const found = []
    for (let from = 0; from < text.length; ) {
      const length = 1 + Math.floor(random() * 6)
      found.push(...reader.push(text.slice(from, from + length)))
      from += length
    }
    found.push(...reader.end())
    expect(
      found.map(({ fields }) => fields),
      JSON.stringify(text),
    ).toEqual(table)
    const lines = found.map(({ line }) => line)
    const expected = table.map((_, index) => {
      const before = table.slice(0, index).flat().join('')
      return 1 + index + before.split('\n').length - 1
    })
    expect(lines).toEqual(expected)
  }
})

test('a CSV file makes a table, or fills one', () => {
  write('people.csv', '\ufeffname,born,name,\r\n"Ada, ""L.""",1815,x,1.5\r\nBob,,007,2e3\r\n')
  const made = ok(['import', 'csv', 'people.csv', ...at, '--create', '--types', 'infer', '--json'])
  expect(JSON.parse(made)).toEqual({ actor: 'csv', format: 'csv', table: 'people', rows: 2, columns: 4 })
  expect(rows('csv', 'SELECT * FROM people')).toEqual([
    { name_1: 'Ada, "L."', born: 1815, name_2: 'x', '?': 1.5 },
    { name_1: 'Bob', born: '', name_2: '007', '?': 2000 },
  ])
  write('more.tsv', 'head\tis\tskipped\tnow\nCleo\t-69\t\n"D\nE"\t1\t2\t3\t4\n')
  const filled = cli(['import', 'csv', 'more.tsv', ...at, '--table', 'people', '--skip', '1'])
  expect(filled).toMatchObject({ code: 0, stdout: '' })
  expect(filled.stderr).toBe(
    `warning: line 2: 3 fields for 4 columns, the rest is NULL
warning: line 3: 5 fields for 4 columns, the rest is left out
2 rows in people
`,
  )
  expect(
    rows('csv', 'SELECT name_1, typeof(born) AS t, name_2, "?" AS f FROM people WHERE rowid > 2'),
  ).toEqual([
    { name_1: 'Cleo', t: 'integer', name_2: '', f: null },
    { name_1: 'D\nE', t: 'integer', name_2: '2', f: 3 },
  ])
})

test('rows of a CSV file that cannot be taken are named, and none of their part is', () => {
  const lines = Array.from({ length: 12_000 }, (_, index) => `${index === 7000 ? 1 : index}`)
  write('keys.csv', `${lines.join('\n')}\n`)
  ok(['exec', 'keys', ...at, '--create', 'CREATE TABLE keys(id INTEGER PRIMARY KEY)'])
  const failed = cli(['import', 'keys', 'keys.csv', ...at])
  expect(failed.code).toBe(5)
  expect(failed.stderr).toContain('error: line 7001: UNIQUE constraint failed: keys.id\n')
  expect(failed.stderr).toContain('the 5000 rows before this part of the file are imported')
  expect(rows('keys', 'SELECT count(*) AS n FROM keys')).toEqual([{ n: 5000 }])
  write('open.csv', 'a\n1\n"2\n')
  expect(cli(['import', 'keys', 'open.csv', ...at])).toMatchObject({
    code: 1,
    stderr: 'error: line 3: a field in quotes has no end\n',
  })
  write('quote.csv', 'a\n"1"2\n')
  expect(cli(['import', 'keys', 'quote.csv', ...at]).stderr).toContain('line 2: a quote inside')
  expect(cli(['import', 'keys', 'nothing.txt', ...at])).toMatchObject({ code: 2 })
  expect(cli(['import', 'keys', 'nothing.csv', ...at])).toMatchObject({ code: 3 })
})

test('a script is imported in transactions of its own, or in ours', () => {
  const trigger = 'CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE n SET n = n + 1; END;'
  const inserts = Array.from({ length: 3000 }, (_, index) => `INSERT INTO t VALUES (${index}); -- ${index}`)
  const script = [
    'CREATE TABLE t(a PRIMARY KEY);CREATE TABLE n(n);INSERT INTO n VALUES (0);',
    trigger,
    ...inserts,
  ]
  write('plain.sql', script.join('\n'))
  ok(['import', 'plain', 'plain.sql', ...at, '--create'])
  expect(rows('plain', 'SELECT n, (SELECT count(*) FROM t) AS rows FROM n')).toEqual([
    { n: 3000, rows: 3000 },
  ])
  // 3004 statements need two transactions; statement by statement they would be as many commits.
  expect(JSON.parse(ok(['stat', 'plain', ...at, '--json'])).txid).toBeLessThan(10)
  const wrong = inserts.map((line, index) => (index === 2500 ? 'INSERT INTO t VALUES (1);' : line))
  write('wrong.sql', `CREATE TABLE IF NOT EXISTS t(a PRIMARY KEY);\nBEGIN;\n${wrong.join('\n')}\nCOMMIT;`)
  const failed = cli(['import', 'wrong', 'wrong.sql', ...at])
  expect(failed.code).toBe(5)
  expect(failed.stderr).toContain('error: line 2503: UNIQUE constraint failed: t.a\n')
  expect(rows('wrong', 'SELECT count(*) AS n FROM t')).toEqual([{ n: 0 }])
  const open = cli(['import', 'wrong', '-', '--format', 'sql', ...at], {
    input: 'BEGIN; INSERT INTO t VALUES (1);',
  })
  expect(open).toMatchObject({ code: 5 })
  expect(rows('wrong', 'SELECT count(*) AS n FROM t')).toEqual([{ n: 0 }])
  const dump = "PRAGMA writable_schema=ON;\nINSERT INTO sqlite_schema VALUES('table','f','f',0,'x');"
  const virtual = cli(['import', 'wrong', '-', '--format', 'sql', ...at], { input: dump })
  expect(virtual.stderr).toContain('Import the database file itself')
})

test('a sound actor, and one whose rows break its own rules', () => {
  const script = `CREATE TABLE t(a CHECK (a > 0)); INSERT INTO t VALUES (1);`
  ok(['exec', 'sound', ...at, '--create', script])
  expect(ok(['verify', 'sound', ...at])).toMatch(/^sound: ok \(\d+ rows, \d+ pages, \d+ bytes\)\n$/)
  ok(['exec', 'broken', ...at, `${script} PRAGMA ignore_check_constraints = ON; INSERT INTO t VALUES (-1);`])
  expect(cli(['verify', 'broken', ...at])).toMatchObject({
    code: 1,
    stdout: 'broken: damaged\n  integrity_check: CHECK constraint failed in t\n',
  })
  expect(cli(['verify', 'broken', ...at, '--checksums']).code).toBe(0)
  expect(cli(['verify', 'nobody', ...at]).code).toBe(3)
})

test('a changed byte is damage, and is named', () => {
  const fill = `CREATE TABLE t(a); INSERT INTO t WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n
    WHERE i < 300) SELECT randomblob(3000) FROM n;`
  const damaged = ['--store', 'damaged']
  ok(['exec', 'one', ...damaged, '--create', fill])
  // Opening it once more moves what is in the log to a file of its own.
  ok(['stat', 'one', ...damaged])
  const size = (file: string): number => statSync(join(directory, 'damaged', file)).size
  const [table] = readdirSync(join(directory, 'damaged'))
    .filter((file) => file.endsWith('.sst'))
    .sort((a, b) => size(b) - size(a))
  const path = join(directory, 'damaged', table ?? 'none')
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1)
  writeFileSync(path, bytes)
  const { code, stdout } = cli(['verify', 'one', ...damaged, '--json'])
  const findings = JSON.parse(stdout)
  expect(code).toBe(1)
  expect(findings.damage[0].reason).toContain('mismatch')
})

test('a short bench says what does not depend on the machine', () => {
  const { machine, results } = JSON.parse(ok(['bench', '--seconds', '0.05', '--json', '--dir', '.']))
  expect(machine).toMatchObject({ node: process.version, durability: 'strict', directory })
  expect(results.map(({ name }: { name: string }) => name)).toEqual([
    'commits, 1 actor',
    'commits, 64 actors',
    'point reads, 1 actor',
  ])
  expect(results[0].facts.rowsPerCommit).toBe(3)
  expect(results[1].facts.commitsPerSync).toBeGreaterThanOrEqual(1)
  expect(readdirSync(directory).filter((name) => name.startsWith('actor-sqlite-bench-'))).toEqual([])
  expect(cli(['bench', '--seconds', 'x'])).toMatchObject({ code: 2 })
})
