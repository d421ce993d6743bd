/** `exec`: a script. */

import type { Database } from '../../database.js'
import type { Command, Context } from '../command.js'
import { usage } from '../failure.js'
import { fileSource, type TextSource, textSource } from '../sources.js'
import { placed, runStatement, statementsOf } from '../statements.js'
import { withDatabase, words } from '../stores.js'
import { settingsOf } from './query.js'

async function sourceOf(context: Context): Promise<TextSource> {
  const file = context.options['file']
  const given = context.args[1]
  if ((file === undefined) === (given === undefined)) {
    throw usage('exec needs either SQL, or -f <file>, or - for standard input')
  }
  if (typeof file === 'string') return await fileSource(file)
  return given === '-' ? await fileSource('-') : textSource(given ?? '')
}

async function runAll(context: Context, db: Database, source: TextSource): Promise<void> {
  const { out, signal } = context
  const target = db.with({ signal })
  // With --json one document says what was done, and rows have no place in it.
  const printing = context.json ? undefined : { out, settings: settingsOf(context), plans: true }
  let [count, changes] = [0, 0]
  for await (const statement of statementsOf(source.chunks)) {
    signal.throwIfAborted()
    const outcome = await placed(statement, () => runStatement(target, statement.sql, [], printing))
    count += 1
    changes += outcome.changes
  }
  if (context.json) out.line(JSON.stringify({ statements: count, changes }))
}

export const exec: Command = {
  name: 'exec',
  usage: '<actor> <sql | -f file | ->',
  summary: 'run a script of statements',
  details: `Ends at the first statement that fails, and says on which line it is; what ran before stays, unless the
script or --single says otherwise. Rows are printed as query prints them. With --json: {"statements", "changes"}.
An actor that does not exist is made.`,
  options: {
    file: { type: 'string', short: 'f', value: 'file', help: 'read the script from a file' },
    single: { type: 'boolean', help: 'run everything as one transaction' },
    create: { type: 'boolean', help: 'make the store if it does not exist' },
  },
  examples: [
    "actor-sqlite exec room-42 --create 'CREATE TABLE message (id INTEGER PRIMARY KEY, text TEXT)'",
    'actor-sqlite exec room-42 --single -f migration.sql',
    'generate-rows | actor-sqlite exec room-42 -',
  ],
  arity: [1, 2],
  async run(context) {
    const [actor = ''] = words(context, 'actor')
    const source = await sourceOf(context)
    const work = async (db: Database): Promise<void> => {
      const single = context.options['single'] === true
      if (single) await db.exec('BEGIN')
      await runAll(context, db, source)
      if (single && db.inTransaction) await db.exec('COMMIT')
    }
    await withDatabase(context, actor, work, {
      create: true,
      createStore: context.options['create'] === true,
    })
    return undefined
  },
}
