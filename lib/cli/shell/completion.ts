/** What the tab key offers: keywords, names of tables and columns, dot commands and their words. */

import type { Queryable } from '../../queryable.js'
import { MODES } from '../render/index.js'
import { nameOf } from '../render/quote.js'
import { KEYWORDS } from '../sql/keywords.js'
import { tableNames } from '../sql/schema.js'
import { DOT_COMMANDS } from './dot.js'

const COLUMNS = `SELECT DISTINCT c.name FROM sqlite_schema AS t, pragma_table_xinfo(t.name) AS c
  WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite_%'`

/** Completions of the last word of a line, and that word. */
export async function complete(db: Pick<Queryable, 'values'>, line: string): Promise<[string[], string]> {
  const dot = /^\s*(\.\w*)$/.exec(line)?.[1]
  if (dot !== undefined)
    return [
      begun(
        DOT_COMMANDS.map(({ name }) => `.${name}`),
        dot,
      ),
      dot,
    ]
  const word = /[\w$\u0080-\uffff]*$/.exec(line)?.[0] ?? ''
  if (/^\s*\.mode\s/.test(line)) return [begun(MODES, word), word]
  const tables = await tableNames(db).catch(() => [])
  if (/^\s*\./.test(line)) return [begun(tables, word), word]
  const columns = (await db.values<[string]>(COLUMNS).catch(() => [])).map(([name]) => name)
  const names = [...new Set([...tables, ...columns])].map(nameOf)
  const capitals = word !== '' && word === word.toUpperCase()
  const keywords = KEYWORDS.map((keyword) => (capitals ? keyword : keyword.toLowerCase()))
  return [word === '' ? names : [...begun(names, word), ...begun(keywords, word)], word]
}

function begun(names: readonly string[], word: string): string[] {
  return names.filter((name) => name.toLowerCase().startsWith(word.toLowerCase()))
}
