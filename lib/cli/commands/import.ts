/** `import`: a file into an actor's database. */

import type { Database } from '../../database.js'
import type { Storage } from '../../storage.js'
import type { ImportInfo } from '../../types.js'
import type { Command, Context } from '../command.js'
import { usage } from '../failure.js'
import { Progress } from '../progress.js'
import { fileBytes, fileSource } from '../sources.js'
import { withDatabase, withStorage, words } from '../stores.js'
import { type Format, formatOf, tableOf } from '../transfer/format.js'
import { type CsvOptions, importCsv, rowCount } from '../transfer/import-csv.js'
import { importSql } from '../transfer/import-sql.js'

/** How many rows that do not fit are told one by one. */
const WARNINGS_MAX = 10

/** Says the first warnings, and at the end how many more there were. */
class Warnings {
  #count = 0
  readonly #note: (text: string) => void

  constructor(note: (text: string) => void) {
    this.#note = note
  }

  readonly add = (text: string): void => {
    this.#count += 1
    if (this.#count <= WARNINGS_MAX) this.#note(`warning: ${text}`)
  }

  end(): void {
    if (this.#count > WARNINGS_MAX) this.#note(`warning: ${this.#count - WARNINGS_MAX} more of these`)
  }
}

function csvOptions(context: Context, file: string, format: Format): Omit<CsvOptions, 'warn' | 'progress'> {
  const { table, separator, skip, types } = context.options
  if (types !== undefined && types !== 'text' && types !== 'infer') {
    throw usage(`--types is text or infer, not ${types}`)
  }
  const fallback = format === 'tsv' ? '\t' : ','
  return {
    table: typeof table === 'string' ? table : tableOf(file),
    separator:
      typeof separator === 'string' && separator !== '' ? separator.replaceAll('\\t', '\t') : fallback,
    skip: typeof skip === 'string' ? rowCount(skip) : 0,
    infer: types === 'infer',
    signal: context.signal,
  }
}

const FORMATS = ['sql', 'csv', 'tsv'] as const
const ALL_FORMATS = ['db', ...FORMATS] as const

/** Loads a file into an open database; says what was done. */
export async function importFile(context: Context, db: Database, file: string): Promise<string> {
  return summary(await fill(context, db, file, formatOf(file, context.options['format'], FORMATS)))
}

async function fill(context: Context, db: Database, file: string, format: Format): Promise<object> {
  const progress = new Progress(`importing ${file}`, 'B', context.quiet)
  let read = 0
  const source = await fileSource(file, (bytes) => {
    read = bytes
  })
  const update = (): void => progress.update(read, source.bytes)
  const warnings = new Warnings(context.note)
  try {
    if (format === 'sql') {
      const statements = await importSql(db, source, { signal: context.signal, progress: update })
      return { statements }
    }
    const options = { ...csvOptions(context, file, format), warn: warnings.add, progress: update }
    return { ...(await importCsv(db, source, options)) }
  } finally {
    progress.end()
    warnings.end()
  }
}

export const importCommand: Command = {
  name: 'import',
  usage: '<actor> <file.db | .sql | .csv | .tsv | ->',
  summary: 'load a file into an actor',
  details: `A .db file becomes the database of an actor, as it is, checked and in one commit; an actor that exists is left
alone without --overwrite. CSV goes into one table, in transactions of 5000 rows. If there is no such table, the first row names its
columns; else all rows are data (--skip 1 passes over a header). A row that is too short is filled with NULL, one
that is too long is cut, and both are said. SQL runs as exec runs it, but many statements in a transaction; a script
that begins transactions itself keeps its own. An actor that does not exist is made. With --json: what was done.`,
  options: {
    table: {
      type: 'string',
      short: 't',
      value: 'name',
      help: 'the table for CSV (default: the name of the file)',
    },
    format: { type: 'string', value: 'format', help: 'db, sql, csv or tsv, if the name does not say it' },
    skip: { type: 'string', value: 'rows', help: 'rows of CSV to pass over at the beginning' },
    types: { type: 'string', value: 'text|infer', help: 'types of a table that is made (default: text)' },
    separator: { type: 'string', value: 'text', help: 'what is between fields (default: , or a tab)' },
    overwrite: { type: 'boolean', help: 'replace the database of the actor by a .db file' },
    create: { type: 'boolean', help: 'make the store if it does not exist' },
  },
  examples: [
    'actor-sqlite import room-42 room-42.db',
    'actor-sqlite import room-42 message.csv --table message',
    'actor-sqlite import room-42 dump.sql --create',
    'curl https://example.org/data.csv | actor-sqlite import room-42 - --format csv --table data --types infer',
  ],
  arity: [2, 2],
  async run(context) {
    const [actor = '', file = ''] = words(context, 'actor', 'file')
    const format = formatOf(file, context.options['format'], ALL_FORMATS)
    // Nothing is made for a file that is not there.
    if (file !== '-') await fileBytes(file)
    const done = await (format === 'db'
      ? fillWhole(context, actor, file)
      : fillTables(context, actor, file, format))
    if (context.json) context.out.line(JSON.stringify({ actor, format, ...done }))
    else context.note(summary(done))
    return undefined
  },
}

async function fillTables(context: Context, actor: string, file: string, format: Format): Promise<object> {
  const createStore = context.options['create'] === true
  const options = { create: true, createStore }
  return await withDatabase(context, actor, (db) => fill(context, db, file, format), options)
}

/** A database file becomes the database of an actor. */
async function fillWhole(context: Context, actor: string, file: string): Promise<object> {
  const progress = new Progress(`importing ${file}`, 'B', context.quiet)
  const load = (storage: Storage): Promise<ImportInfo> =>
    storage.import(actor, file === '-' ? process.stdin : file, {
      overwrite: context.options['overwrite'] === true,
      signal: context.signal,
      onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
    })
  try {
    return await withStorage(context, load, context.options['create'] === true)
  } finally {
    progress.end()
  }
}

function summary(done: { rows?: number; table?: string; statements?: number; pages?: number }): string {
  if (done.pages !== undefined) return `${done.pages} pages`
  return done.rows === undefined ? `${done.statements} statements` : `${done.rows} rows in ${done.table}`
}
