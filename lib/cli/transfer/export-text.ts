/** Tables and databases as text. */

import type { Queryable } from '../../queryable.js'
import type { SqlValue } from '../../types.js'
import { renderer, settingsFor } from '../render/index.js'
import { dump } from '../sql/dump.js'
import type { Format } from './format.js'

/** What is written, and how. */
export interface TextExport {
  readonly format: Format
  /** The statement whose rows are written; not for `sql`. */
  readonly sql: string
  /** The tables that are dumped. */
  readonly pattern: string
}

const BUFFER = 256 << 10

/** Gathers byte strings. */
class Gathered {
  #parts: string[] = []
  #size = 0
  readonly #write: (bytes: string) => Promise<void>

  constructor(write: (bytes: string) => Promise<void>) {
    this.#write = write
  }

  readonly add = (bytes: string): void => {
    this.#parts.push(bytes)
    this.#size += bytes.length
  }

  /** Passes on what there is, if it is enough or has to be. */
  async pass(all: boolean): Promise<void> {
    if (this.#size === 0 || (this.#size < BUFFER && !all)) return
    const bytes = this.#parts.join('')
    this.#parts = []
    this.#size = 0
    await this.#write(bytes)
  }
}

/** Writes it piece by piece; gives the number of rows. */
export async function exportText(
  db: Pick<Queryable, 'prepare' | 'values'>,
  { format, sql, pattern }: TextExport,
  write: (bytes: string) => Promise<void>,
  counted: (rows: number) => void,
): Promise<number> {
  const gathered = new Gathered(write)
  const pause = async (rows: number): Promise<void> => {
    counted(rows)
    await gathered.pass(false)
  }
  const rows =
    format === 'sql'
      ? await dump(db, { write: gathered.add, pause }, pattern)
      : await writeRows(db, format, sql, gathered.add, pause)
  await gathered.pass(true)
  return rows
}

const ROWS_PER_PAUSE = 1000

async function writeRows(
  db: Pick<Queryable, 'prepare'>,
  format: Format,
  sql: string,
  write: (bytes: string) => void,
  pause: (rows: number) => Promise<void>,
): Promise<number> {
  const statement = await db.prepare(sql)
  try {
    const names = statement.columns().map(({ name }) => name)
    const separators = format === 'tsv' ? { separator: '\t', rowSeparator: '\n' } : { rowSeparator: '\r\n' }
    const settings = { ...settingsFor(format === 'json' ? 'json' : 'csv'), ...separators, headers: true }
    const printer = renderer(settings, names, write)
    let rows = 0
    for await (const row of statement.integers('bigint').raw().iterate()) {
      printer.row(row as unknown as readonly SqlValue[])
      rows += 1
      if (rows % ROWS_PER_PAUSE === 0) await pause(rows)
    }
    printer.end()
    if (format === 'json' && rows === 0) write('[]\n')
    return rows
  } finally {
    await statement.finalize()
  }
}
