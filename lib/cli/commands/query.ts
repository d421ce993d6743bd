/** `query`: one statement, its rows printed. */

import type { Command, Context } from '../command.js'
import { usage } from '../failure.js'
import { parameter } from '../parameters.js'
import { type Settings, settingsFor } from '../render/index.js'
import { statements } from '../sql/scanner.js'
import { runStatement } from '../statements.js'
import { withDatabase, words } from '../stores.js'

/** How a command prints rows. */
export function settingsOf(context: Context): Settings {
  const fallback = process.stdout.isTTY === true ? 'box' : 'list'
  const settings = settingsFor(context.json ? 'json' : (context.mode ?? fallback))
  if (context.options['header'] === true) settings.headers = true
  return settings
}

export const query: Command = {
  name: 'query',
  usage: '<actor> <sql> [parameter…]',
  summary: 'run one statement and print its rows',
  details: `Parameters stand for ?, in order: null, numbers, x'…' for a blob, and text for all else.
With --json the rows are one array of objects, [] for none.`,
  options: {
    text: { type: 'boolean', help: 'take all parameters as text' },
    readonly: { type: 'boolean', help: 'refuse statements that write' },
  },
  examples: [
    "actor-sqlite query room-42 'SELECT * FROM message WHERE author = ?' ada",
    "actor-sqlite query room-42 --mode csv --header 'SELECT * FROM message' > message.csv",
    "actor-sqlite query room-42 --json 'SELECT count(*) AS n FROM message' | jq '.[0].n'",
  ],
  arity: [2, Number.POSITIVE_INFINITY],
  async run(context) {
    const [actor = '', sql = ''] = words(context, 'actor', 'statement')
    if (statements(sql).length !== 1) {
      throw usage('query takes one statement', 'actor-sqlite exec runs scripts.')
    }
    const args = context.args.slice(2).map((word) => parameter(word, context.options['text'] === true))
    const readonly = context.options['readonly'] === true
    const { out, json, signal } = context
    const work = async (db: Parameters<Parameters<typeof withDatabase>[2]>[0]): Promise<void> => {
      const printing = { out, settings: settingsOf(context), plans: !json }
      const { rows } = await runStatement(db.with({ signal }), sql, args, printing)
      if (json && rows === 0) out.line('[]')
    }
    await withDatabase(context, actor, work, { readonly })
    return undefined
  },
}
