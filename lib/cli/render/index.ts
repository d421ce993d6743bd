/** Which renderer prints what. */

import { ColumnarRenderer } from './columnar.js'
import { ProgramRenderer, QueryPlanRenderer } from './plan.js'
import type { Mode, Renderer, Settings, Write } from './renderer.js'
import { InsertRenderer, JsonRenderer, LineRenderer, SeparatedRenderer } from './rowwise.js'

export { isMode, MODES, type Mode, type Renderer, type Settings, type Write } from './renderer.js'

type Make = new (settings: Settings, columns: readonly string[], write: Write) => Renderer

const RENDERERS: Readonly<Record<Mode, Make>> = {
  list: SeparatedRenderer,
  csv: SeparatedRenderer,
  tabs: SeparatedRenderer,
  quote: SeparatedRenderer,
  column: ColumnarRenderer,
  table: ColumnarRenderer,
  box: ColumnarRenderer,
  markdown: ColumnarRenderer,
  line: LineRenderer,
  json: JsonRenderer,
  insert: InsertRenderer,
}

/** Settings of a mode as the sqlite3 shell has them for its options `-csv`, `-box` and so on. */
export function settingsFor(mode: Mode): Settings {
  return {
    mode,
    headers: false,
    nullValue: '',
    separator: undefined,
    rowSeparator: mode === 'csv' ? '\n' : undefined,
    wrap: 0,
    table: 'table',
  }
}

/** A renderer for one result. */
export function renderer(settings: Settings, columns: readonly string[], write: Write): Renderer {
  return new RENDERERS[settings.mode](settings, columns, write)
}

/** A renderer for what EXPLAIN returns; `undefined` for other statements. */
export function planRenderer(sql: string, columns: readonly string[], write: Write): Renderer | undefined {
  const words = /^\s*explain(\s+query\s+plan)?\b/i.exec(sql.replace(/\/\*[\s\S]*?\*\/|--.*/g, ' '))
  if (words === null) return undefined
  return words[1] === undefined ? new ProgramRenderer(columns, write) : new QueryPlanRenderer(write)
}
