/** What is in a database: names for listings and completion, and the text of its schema. */

import type { Queryable } from '../../queryable.js'
import { bytesOf } from '../render/bytes.js'
import type { Write } from '../render/index.js'
import { nameOf } from '../render/quote.js'

type Reader = Pick<Queryable, 'values'>

const USER_NAMES = `SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'
  AND name LIKE ? ORDER BY 1`

/** Tables and views whose names are like a pattern. */
export async function tableNames(db: Reader, pattern = '%'): Promise<string[]> {
  return (await db.values<[string]>(USER_NAMES, pattern)).map(([name]) => name)
}

/** Indexes of the tables whose names are like a pattern. */
export async function indexNames(db: Reader, pattern = '%'): Promise<string[]> {
  const sql = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name LIKE ? ORDER BY 1"
  return (await db.values<[string]>(sql, pattern)).map(([name]) => name)
}

/** Columns of a table, generated and hidden ones left out. */
export async function columnNames(db: Reader, table: string): Promise<string[]> {
  const sql = 'SELECT name FROM pragma_table_info(?)'
  return (await db.values<[string]>(sql, table)).map(([name]) => name)
}

const SCREEN = 80

/** Prints names in columns, downwards. */
export function printNames(names: readonly string[], write: Write): void {
  const bytes = names.map(bytesOf)
  const widest = bytes.reduce((most, name) => Math.max(most, name.length), 0)
  const columns = Math.max(1, Math.floor(SCREEN / (widest + 2)))
  const rows = Math.ceil(bytes.length / columns)
  for (let row = 0; row < rows; row += 1) {
    const line = bytes.filter((_, index) => index % rows === row).map((name) => name.padEnd(widest))
    write(`${line.join('  ')}\n`)
  }
}

/** The text of a schema entry, closed; a table with a quoted name is only made if it is missing. */
export function schemaText(sql: string): string {
  const text = sql.replace(/^CREATE TABLE (?=['"])/, 'CREATE TABLE IF NOT EXISTS ')
  // A comment at the end would swallow the semicolon.
  const closed = /--[^\n]*$/.test(text) || /\/\*(?:(?!\*\/)[\s\S])*$/.test(text) ? `${text}\n;` : `${text};`
  return bytesOf(closed)
}

const SCHEMA = `SELECT type, name, sql FROM sqlite_schema
  WHERE sql IS NOT NULL AND (tbl_name LIKE ?1 ESCAPE '\\' OR name LIKE ?1 ESCAPE '\\') ORDER BY rowid`

/** Prints the statements that made the schema; what a view or virtual table has for columns beside it. */
export async function printSchema(db: Reader, pattern: string, write: Write): Promise<void> {
  for (const [type, name, sql] of await db.values<[string, string, string]>(SCHEMA, pattern)) {
    const virtual = /^CREATE VIRTUAL/i.test(sql)
    if (type !== 'view' && !virtual) {
      write(`${schemaText(sql)}\n`)
      continue
    }
    const columns = await columnNames(db, name).catch(() => [])
    write(bytesOf(`${sql}\n/* ${nameOf(name)}(${columns.map(nameOf).join(',')}) */;\n`))
  }
}
