/** Scripts are cut into statements where SQLite's own rules say so. */

import { expect, test } from 'vitest'
import { isComplete, Scanner, statements } from '../../lib/cli/sql/scanner.js'
import { randomNumbers, seed } from '../support.js'

const TRIGGER = "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; UPDATE t SET a = ';'; END;"

test('what is complete', () => {
  for (const text of [
    '',
    ';',
    'SELECT 1;',
    'SELECT 1; -- and no more',
    "SELECT ';';",
    'SELECT "a;b", [c;d], `e;f`;',
    '/* ; */ SELECT 1;',
    TRIGGER,
    `EXPLAIN ${TRIGGER}`,
    'CREATE TABLE trigger_like(a); SELECT 2;',
    'CREATE TEMPORARY TABLE t(a);',
    '-- only a comment',
  ]) {
    expect(isComplete(text), text).toBe(true)
  }
  for (const text of [
    'SELECT 1',
    "SELECT ';",
    'SELECT 1 -- ;',
    'SELECT /* ; */ 1',
    TRIGGER.slice(0, -1),
    TRIGGER.slice(0, -5),
    "SELECT 'it''s ;",
    "'",
  ]) {
    expect(isComplete(text), text).toBe(false)
  }
})

test('statements come with their lines, and without what is before and between', () => {
  const text = `\n-- first\nSELECT 1;;\n/* two\nlines */ SELECT\n2; ${TRIGGER}\nSELECT 3`
  expect(statements(text)).toEqual([
    { sql: 'SELECT 1;', line: 3 },
    { sql: 'SELECT\n2;', line: 5 },
    { sql: TRIGGER, line: 6 },
    { sql: 'SELECT 3', line: 7 },
  ])
})

test('it is all the same in which pieces a script comes', () => {
  console.log(`SEED=${seed}`)
  const random = randomNumbers()
  const parts = [
    TRIGGER,
    "SELECT 'a;''b';",
    '--x;\n',
    '/*;*/',
    ' \n',
    'INSERT INTO t VALUES (1);',
    ';',
    'END;',
    'create ',
  ]
  for (let round = 0; round < 300; round += 1) {
    const text = Array.from({ length: 6 }, () => parts[Math.floor(random() * parts.length)]).join('')
    const scanner = new Scanner()
    const found = []
    for (let at = 0; at < text.length; ) {
      const length = 1 + Math.floor(random() * 9)
      scanner.push(text.slice(at, at + length))
      at += length
      for (let next = scanner.next(); next !== undefined; next = scanner.next()) found.push(next)
    }
    for (let next = scanner.next(true); next !== undefined; next = scanner.next(true)) found.push(next)
    const rest = scanner.rest()
    if (rest !== undefined) found.push(rest)
    expect(found, JSON.stringify(text)).toEqual(statements(text))
  }
})
