/** A database as SQL text, as `.dump` of the sqlite3 shell writes it. */

import type { Queryable } from '../../queryable.js'
import type { SqlValue } from '../../types.js'
import { bytesOf } from '../render/bytes.js'
import type { Write } from '../render/index.js'
import { nameOf, sqlLiteral, sqlOneLine } from '../render/quote.js'
import { columnNames, schemaText } from './schema.js'

/** What a dump needs of a database. */
export type DumpSource = Pick<Queryable, 'prepare' | 'values'>

/** Where a dump goes, and how it waits for a slow reader. */
export interface DumpTarget {
  readonly write: Write
  /** Called now and then, with the rows written so far. */
  readonly pause: (rows: number) => Promise<void>
}

const TABLES = `SELECT name, sql FROM sqlite_schema
  WHERE type = 'table' AND sql IS NOT NULL AND name LIKE ? ORDER BY tbl_name = 'sqlite_sequence', rowid`
const OTHERS = `SELECT sql FROM sqlite_schema
  WHERE sql IS NOT NULL AND type IN ('index', 'trigger', 'view') AND tbl_name LIKE ?`

const ROWS_PER_PAUSE = 1000

/** Writes tables and what belongs to them; gives the number of rows. */
export async function dump(db: DumpSource, target: DumpTarget, pattern = '%'): Promise<number> {
  const { write } = target
  let rows = 0
  let virtual = false
  write('PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n')
  for (const [name, sql] of await db.values<[string, string]>(TABLES, pattern)) {
    if (name === 'sqlite_sequence') write('DELETE FROM sqlite_sequence;\n')
    else if (/^sqlite_stat.$/.test(name)) write('ANALYZE sqlite_schema;\n')
    else if (name.startsWith('sqlite_')) continue
    else if (/^CREATE VIRTUAL TABLE/i.test(sql)) {
      if (!virtual) write('PRAGMA writable_schema=ON;\n')
      virtual = true
      const [quoted, text] = [sqlLiteral(name), sqlLiteral(sql)]
      const columns = '(type,name,tbl_name,rootpage,sql)'
      write(`INSERT INTO sqlite_schema${columns}VALUES('table',${quoted},${quoted},0,${text});\n`)
      continue
    } else write(`${schemaText(sql)}\n`)
    rows = await dumpRows(db, name, target, rows)
  }
  for (const [sql] of await db.values<[string]>(OTHERS, pattern)) write(`${schemaText(sql)}\n`)
  if (virtual) write('PRAGMA writable_schema=OFF;\n')
  write('COMMIT;\n')
  return rows
}

async function dumpRows(db: DumpSource, table: string, target: DumpTarget, before: number): Promise<number> {
  const quoted = nameOf(table)
  const columns = (await columnNames(db, table)).map((name) => `"${name.replaceAll('"', '""')}"`)
  const head = bytesOf(`INSERT INTO ${quoted} VALUES(`)
  const statement = await db.prepare(`SELECT ${columns.join(', ')} FROM "${table.replaceAll('"', '""')}"`)
  let rows = before
  try {
    for await (const row of statement.integers('bigint').raw().iterate()) {
      target.write(`${head}${(row as unknown as SqlValue[]).map(sqlOneLine).join(',')});\n`)
      rows += 1
      if (rows % ROWS_PER_PAUSE === 0) await target.pause(rows)
    }
  } finally {
    await statement.finalize()
  }
  return rows
}
