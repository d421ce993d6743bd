/** `export`: an actor's database, or a table of it, into a file. */

import { Writable } from 'node:stream'
import type { Database } from '../../database.js'
import { PartialFile } from '../../partial-file.js'
import type { ExportInfo, ExportOptions } from '../../types.js'
import { noActor } from '../actors.js'
import type { Command, Context } from '../command.js'
import { usage } from '../failure.js'
import { Progress } from '../progress.js'
import { withDatabase, withStorage, words } from '../stores.js'
import { exportText, type TextExport } from '../transfer/export-text.js'
import { type Format, formatOf } from '../transfer/format.js'

/** Standard output as a stream that may be ended. */
function standardOutput({ out }: Context): Writable {
  return new Writable({
    write(chunk: Buffer, _, done) {
      try {
        out.bytes(chunk.toString('latin1'))
        out.ready().then(() => done(), done)
      } catch (error) {
        done(error as Error)
      }
    },
  })
}

/** How a database writes itself: `db.export`, or `storage.export` of one that is not open. */
type Exporting = (to: string | Writable, options: ExportOptions) => Promise<ExportInfo>

async function exportDatabase(
  context: Context,
  actor: string,
  file: string,
  run: Exporting,
): Promise<ExportInfo> {
  const progress = new Progress(`exporting ${actor}`, 'pages', context.quiet)
  try {
    return await run(file === '-' ? standardOutput(context) : file, {
      overwrite: context.options['overwrite'] === true,
      signal: context.signal,
      onProgress: ({ totalPages, remainingPages }) =>
        progress.update(totalPages - remainingPages, totalPages),
    })
  } finally {
    progress.end()
  }
}

function textExport({ options }: Context, format: Format): TextExport {
  const { table, query } = options
  const given = [table, query].filter((value) => typeof value === 'string')
  if (format === 'sql' && query !== undefined) throw usage('--query is for csv, tsv and json')
  if (format !== 'sql' && given.length !== 1) {
    throw usage(`${format} has room for one table: name it by --table, or give a --query`)
  }
  const sql = typeof table === 'string' ? `SELECT * FROM "${table.replaceAll('"', '""')}"` : query
  return { format, sql: String(sql ?? ''), pattern: typeof table === 'string' ? table : '%' }
}

/** Writes text to a file that is there whole or not at all, or to standard output. */
async function exportRows(context: Context, db: Database, file: string, what: TextExport): Promise<object> {
  const target = db.with({ signal: context.signal })
  const progress = new Progress(`exporting ${db.name}`, 'rows', context.quiet)
  const counted = (rows: number): void => progress.update(rows)
  try {
    if (file === '-') {
      const { out } = context
      const write = async (bytes: string): Promise<void> => {
        out.bytes(bytes)
        await out.ready()
      }
      return { rows: await exportText(target, what, write, counted) }
    }
    const partial = await PartialFile.create(file, context.options['overwrite'] === true)
    try {
      const write = (bytes: string): Promise<void> => partial.write(Buffer.from(bytes, 'latin1'))
      const rows = await exportText(target, what, write, counted)
      await partial.finish(context.signal)
      return { rows }
    } catch (error) {
      await partial.fail()
      throw error
    }
  } finally {
    progress.end()
  }
}

export const exportCommand: Command = {
  name: 'export',
  usage: '<actor> <file.db | .sql | .csv | .tsv | .json | ->',
  summary: 'write an actor, or a table of it, to a file',
  details: `.db is a file that any SQLite opens, .sql what .dump of the sqlite3 shell writes; csv, tsv and json have the
rows of one table or query, names first. A file that exists is left alone without --overwrite; one that fails leaves
nothing behind. With --json: what was written (not to standard output).`,
  options: {
    table: { type: 'string', short: 't', value: 'name', help: 'the table; of sql those LIKE it' },
    query: { type: 'string', value: 'sql', help: 'rows of a statement, for csv, tsv and json' },
    format: {
      type: 'string',
      value: 'format',
      help: 'db, sql, csv, tsv or json, if the name does not say it',
    },
    overwrite: { type: 'boolean', help: 'replace the file' },
  },
  examples: [
    'actor-sqlite export room-42 room-42.db',
    'actor-sqlite export room-42 message.csv --table message',
    'actor-sqlite export room-42 - --format sql | gzip > room-42.sql.gz',
  ],
  arity: [2, 2],
  async run(context) {
    const [actor = '', file = ''] = words(context, 'actor', 'file')
    const format = formatOf(file, context.options['format'], FORMATS)
    const done = await (format === 'db'
      ? exportUnopened(context, actor, file)
      : exportOpened(context, actor, file, textExport(context, format)))
    if (file === '-') return undefined
    if (context.json) context.out.line(JSON.stringify({ actor, format, file, ...done }))
    else context.note(summary(file, done))
    return undefined
  },
}

const FORMATS = ['db', 'sql', 'csv', 'tsv', 'json'] as const

async function exportUnopened(context: Context, actor: string, file: string): Promise<object> {
  return await withStorage(context, async (storage) => {
    if (!(await storage.exists(actor))) throw noActor(context, actor)
    return await exportDatabase(context, actor, file, (to, options) => storage.export(actor, to, options))
  })
}

async function exportOpened(
  context: Context,
  actor: string,
  file: string,
  what: TextExport,
): Promise<object> {
  return await withDatabase(context, actor, (db) => exportRows(context, db, file, what), { readonly: true })
}

/** Writes an open database to a file; says what was written. */
export async function exportFile(context: Context, db: Database, file: string): Promise<string> {
  const format = formatOf(file, context.options['format'], FORMATS)
  const done = await (format === 'db'
    ? exportDatabase(context, db.name, file, (to, options) => db.export(to, options))
    : exportRows(context, db, file, textExport(context, format)))
  return summary(file, done)
}

function summary(file: string, done: object): string {
  const facts = Object.entries(done).map(([name, value]) => `${name} ${value}`)
  return `${file}: ${facts.join(', ')}`
}
