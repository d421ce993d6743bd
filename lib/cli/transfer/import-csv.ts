/** CSV into a table, by the rules of `.import` of the sqlite3 shell. */

import type { Database } from '../../database.js'
import { SqliteError } from '../../errors.js'
import { CliError, Exit, StatementFailure } from '../failure.js'
import type { TextSource } from '../sources.js'
import { columnNames } from '../sql/schema.js'
import { CsvReader, type CsvRow } from './csv.js'

/** How CSV is imported. */
export interface CsvOptions {
  readonly table: string
  readonly separator: string
  /** Rows at the beginning that are passed over. */
  readonly skip: number
  /** Whether the columns of a table that is made get types by what the first rows hold; else all are TEXT. */
  readonly infer: boolean
  readonly signal: AbortSignal
  /** Told of rows that do not fit. */
  readonly warn: (text: string) => void
  readonly progress: (rows: number) => void
}

/** What came of it. */
export interface CsvImported {
  readonly table: string
  readonly rows: number
  readonly columns: number
}

/** How much goes into one transaction. */
const BATCH_ROWS = 5000
const BATCH_CHARACTERS = 4 << 20

/** How many rows at the beginning decide on types. */
const SAMPLE = 1000

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const WHOLE = /^-?(0|[1-9]\d{0,17})$/
const REAL = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/

/** The type of a column that holds some texts: a number only if no text would be changed by it. */
function typeOf(values: readonly string[]): string {
  const given = values.filter((value) => value !== '')
  if (given.length === 0) return 'TEXT'
  if (given.every((value) => WHOLE.test(value))) return 'INTEGER'
  return given.every((value) => REAL.test(value)) ? 'REAL' : 'TEXT'
}

/** Names of columns, all different: those that come more than once are numbered. */
function distinct(given: readonly string[]): string[] {
  const names = given.map((name) => (name.trim() === '' ? '?' : name))
  const fold = (name: string): string => name.toLowerCase()
  const used = new Set(names.map(fold))
  return names.map((name, index) => {
    if (names.filter((other) => fold(other) === fold(name)).length === 1) return name
    let count = 1 + names.slice(0, index).filter((other) => fold(other) === fold(name)).length
    while (used.has(fold(`${name}_${count}`))) count += 1
    used.add(fold(`${name}_${count}`))
    return `${name}_${count}`
  })
}

async function* rowsOf(source: TextSource, options: CsvOptions): AsyncGenerator<CsvRow> {
  const reader = new CsvReader(options.separator)
  let skip = options.skip
  for await (const chunk of source.chunks) {
    options.signal.throwIfAborted()
    for (const row of reader.push(chunk)) {
      if (skip > 0) skip -= 1
      else yield row
    }
  }
  for (const row of reader.end().slice(skip)) yield row
}

/** Fills a table; the first row names its columns if it has to be made. */
export async function importCsv(db: Database, source: TextSource, options: CsvOptions): Promise<CsvImported> {
  const rows = rowsOf(source, options)
  const present = await columnNames(db, options.table)
  const sample: CsvRow[] = []
  let columns = present
  if (present.length === 0) {
    const { value: header } = await rows.next()
    if (header === undefined)
      throw new CliError(`${source.name} is empty: there is no row to name columns by`)
    columns = distinct((header as CsvRow).fields)
    while (options.infer && sample.length < SAMPLE) {
      const { value, done } = await rows.next()
      if (done) break
      sample.push(value)
    }
    const types = columns.map((_, column) =>
      options.infer ? typeOf(sample.map(({ fields }) => fields[column] ?? '')) : 'TEXT',
    )
    const list = columns.map((name, column) => `${quoted(name)} ${types[column]}`).join(', ')
    await db.exec(`CREATE TABLE ${quoted(options.table)}(${list})`)
  }
  const filler = new Filler(db, columns.length, options)
  for (const row of sample) await filler.add(row)
  for await (const row of rows) await filler.add(row)
  await filler.flush()
  return { table: options.table, rows: filler.rows, columns: columns.length }
}

/** Inserts rows, many in a transaction. */
class Filler {
  rows = 0
  readonly #db: Database
  readonly #width: number
  readonly #options: CsvOptions
  readonly #sql: string
  #batch: (string | null)[][] = []
  #lines: number[] = []
  #characters = 0

  constructor(db: Database, width: number, options: CsvOptions) {
    this.#db = db
    this.#width = width
    this.#options = options
    this.#sql = `INSERT INTO ${quoted(options.table)} VALUES (${Array.from({ length: width }, () => '?').join(', ')})`
  }

  async add({ fields, line }: CsvRow): Promise<void> {
    const values: (string | null)[] = fields.slice(0, this.#width)
    if (fields.length !== this.#width) {
      const done = fields.length < this.#width ? 'the rest is NULL' : 'the rest is left out'
      this.#options.warn(`line ${line}: ${fields.length} fields for ${this.#width} columns, ${done}`)
      while (values.length < this.#width) values.push(null)
    }
    this.#batch.push(values)
    this.#lines.push(line)
    for (const field of fields) this.#characters += field.length
    if (this.#batch.length >= BATCH_ROWS || this.#characters >= BATCH_CHARACTERS) await this.flush()
  }

  async flush(): Promise<void> {
    if (this.#batch.length === 0) return
    this.#options.signal.throwIfAborted()
    try {
      await this.#db.batch(this.#sql, this.#batch)
    } catch (error) {
      throw await this.#failure(error)
    }
    this.rows += this.#batch.length
    this.#batch = []
    this.#lines = []
    this.#characters = 0
    this.#options.progress(this.rows)
  }

  /** The error of the row that a batch failed at, with its place in the file: found by trying each. */
  async #failure(error: unknown): Promise<unknown> {
    if (!(error instanceof SqliteError)) return error
    const { warn, signal } = this.#options
    warn(`the ${this.rows} rows before this part of the file are imported`)
    let failed = 0
    const attempt = this.#db.transaction(async (tx) => {
      for (const row of this.#batch) {
        signal.throwIfAborted()
        await tx.run(this.#sql, row)
        failed += 1
      }
    })
    const cause = await attempt.then(
      () => error,
      (reason: unknown) => reason,
    )
    return new StatementFailure(cause, this.#sql, this.#lines[failed] ?? 0)
  }
}

/** A number of rows, from the command line. */
export function rowCount(word: string): number {
  if (!/^\d+$/.test(word)) throw new CliError(`${word} is no number of rows`, Exit.usage)
  return Number(word)
}
