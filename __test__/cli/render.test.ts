/** What is printed: byte for byte what the sqlite3 shell prints. */

import { expect, test } from 'vitest'
import { realExact, realText } from '../../lib/cli/render/float.js'
import { randomNumbers, seed } from '../support.js'
import { cliBytes, ok, sqlite3, sqlite3Version } from './support.js'

const version = sqlite3Version()
// Later versions print REAL values, wide characters and numbers' places otherwise.
const comparable = version !== undefined && /^3\.(39|40|41|42)\./.test(version)
const FLAGS = ['list', 'csv', 'column', 'table', 'box', 'line', 'json', 'markdown', 'quote']

const random = randomNumbers()
const below = (bound: number): number => Math.floor(random() * bound)
const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T

const LETTERS = ['a', 'b', ' ', 'é', '日', '😀', '|', ',', '"', "''", '\\', '-', 'e\u0301', 'ж', '<', '#']
const REALS = ['0.1', '1e15', '123456789012345.5', '1e-5', '-0.0', '1e999', '-1e999', '5e-324', '1e23', '2.5']
const INTEGERS = ['0', '1', '-7', '9223372036854775807', '-9223372036854775808']
const BLOBS = ['', '00', '00ff41', 'e697a5', '61620063', '0a', 'c328']

function text(): string {
  return Array.from({ length: below(8) }, () => pick(LETTERS)).join('')
}

/**
 * A value of any size that both make alike: whole thousand-and-twenty-fourths times a power of two. Before
 * 3.43 SQLite read a literal of many digits, or of a great exponent, as a neighbour of the nearest double.
 */
function scaled(): string {
  const factors = pick(['*', '/']).concat('1048576.0').repeat(below(45))
  return `(${pick(['', '-'])}${below(2 ** 40) / 1024}e0${factors})`
}

function real(): string {
  const kinds = [
    () => pick(REALS),
    () => (random() * 1000).toFixed(2),
    scaled,
    () => `${below(1e6)}.0`,
    scaled,
  ]
  return pick(kinds)()
}

function literal(): string {
  const kinds = [
    () => 'NULL',
    () => pick(INTEGERS),
    real,
    real,
    () => `'${text()}'`,
    () => `x'${pick(BLOBS)}'`,
    () => `'${text()}'||char(${pick([9, 10, 13, 1, 31, 127, 133, 0xe000])})||'${text()}'`,
  ]
  return pick(kinds)()
}

const NAMES = ['a', 'b', '"sel ect"', '"é"', '"x""y"', 'table_1', '"日本"', '"group"', '"it\'s"']

function select(): string {
  const names = Array.from({ length: 1 + below(4) }, () => pick(NAMES))
  const rows = Array.from(
    { length: 1 + below(4) },
    () => `SELECT ${names.map((name) => `${literal()} AS ${name}`).join(', ')}`,
  )
  return `${rows.join(' UNION ALL ')};\n`
}

test.runIf(comparable)('random rows in every mode', () => {
  console.log(`SEED=${seed}`)
  const script = Array.from({ length: 60 }, select).join('')
  ok(['exec', 'random', '--create', '--store', 'random', 'SELECT 1'])
  for (const mode of FLAGS) {
    const printed = cliBytes(['exec', 'random', '-', '--store', 'random', '--mode', mode, '--header'], {
      input: script,
    })
    expect(printed.stderr).toBe('')
    expect(printed.stdout, mode).toBe(sqlite3([`-${mode}`, '-header'], script))
  }
})

test.runIf(comparable)('random rows under .mode and other settings', () => {
  console.log(`SEED=${seed}`)
  const settings = [
    '.mode tabs\n.nullvalue NULL',
    '.mode box',
    '.mode table --wrap 7',
    '.mode column\n.headers off',
    '.mode markdown\n.nullvalue -',
    '.mode csv\n.headers on',
    '.mode insert "my table"\n.headers off',
    '.mode insert t\n.headers on',
    '.mode list\n.separator ", " ";\\n"',
    '.mode quote',
    '.mode json',
    '.mode line',
  ]
  const script = settings.map((setting) => `${setting}\n${select()}${select()}${select()}`).join('')
  const printed = cliBytes(['shell', 'random', '--create', '--store', 'settings'], { input: script })
  expect(printed.stderr).toBe('')
  expect(printed.stdout).toBe(sqlite3([], script))
})

const SCHEMA = `
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
CREATE TABLE "quoted tab"(x, "y z");
CREATE TABLE _u(a, b AS (a * 2) STORED);
CREATE TABLE seq(id INTEGER PRIMARY KEY AUTOINCREMENT, v);
CREATE TABLE "order"(a PRIMARY KEY, b) WITHOUT ROWID;
CREATE INDEX ti ON t(b);
CREATE VIEW v AS SELECT a, b FROM t -- a comment at the end
;
CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET b = 'it''s; END;'; SELECT 2; END;
CREATE VIRTUAL TABLE ft USING fts5(text);
INSERT INTO t VALUES (1, 'x'), (2, NULL);
INSERT INTO "quoted tab" VALUES (1.5, x'00'), (0.1, 1e100);
INSERT INTO _u VALUES (4);
INSERT INTO seq(v) VALUES ('a' || char(10) || 'b\\n'), (char(13));
INSERT INTO "order" VALUES (1, 2);
INSERT INTO ft VALUES ('hello');
`

test.runIf(comparable)('schemas, listings, dumps and query plans', () => {
  const script = `${SCHEMA}
.dump
.schema
.schema t
.schema q*
.tables
.tables %t%
.indexes
.indexes t
.dump seq
explain query plan select * from t join "order" using (a) order by b;
EXPLAIN -- a comment
  QUERY PLAN SELECT * FROM t WHERE a IN (SELECT a FROM _u) ORDER BY b;
.print hello "wor ld"
`
  const printed = cliBytes(['shell', 'schema', '--create', '--store', 'schema'], { input: script })
  expect(printed.stderr).toBe('')
  expect(printed.stdout).toBe(sqlite3([], script))
})

test('REAL values as texts and as literals', () => {
  const texts = [0, -0, 1, -2.5, 0.1, 1e15, 123456789012345, 1e14, 1e-4, 1e-5, 1e100, 5e-324, -1e23]
  expect(texts.map(realText)).toEqual([
    '0.0',
    '0.0',
    '1.0',
    '-2.5',
    '0.1',
    '1.0e+15',
    '123456789012345.0',
    '100000000000000.0',
    '0.0001',
    '1.0e-05',
    '1.0e+100',
    '4.94065645841247e-324',
    '-1.0e+23',
  ])
  expect(realExact(0.1, 'Inf')).toBe('0.10000000000000000555')
  expect(realExact(Number.NEGATIVE_INFINITY, '1e999')).toBe('-1e999')
  const next = randomNumbers()
  for (let count = 0; count < 500; count += 1) {
    const value = next() * 10 ** Math.floor(next() * 600 - 300)
    expect(Number(realExact(value, 'Inf'))).toBe(value)
  }
})

test('a program is printed with its loops set in', () => {
  const script = 'CREATE TABLE t(a);\nEXPLAIN SELECT a FROM t;\n'
  const printed = ok(['shell', 'program', '--create', '--store', 'program'], { input: script })
  const lines = printed.split('\n')
  expect(lines[0]).toBe('addr  opcode         p1    p2    p3    p4             p5  comment      ')
  expect(lines[1]).toBe('----  -------------  ----  ----  ----  -------------  --  -------------')
  expect(printed).toMatch(/^\d+ +Rewind /m)
  expect(printed).toMatch(/^\d+ {6,}Column /m)
})
