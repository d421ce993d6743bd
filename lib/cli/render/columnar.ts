/** Modes that line columns up: column, table, box, markdown. They hold a result before they print it. */

import type { SqlValue } from '../../types.js'
import { bytesOf, padded, widthOf } from './bytes.js'
import { textOf } from './quote.js'
import type { Renderer, Settings, Write } from './renderer.js'

/** How a mode draws. */
interface Frame {
  /** Before, between and after the cells of a row. */
  readonly row: readonly [string, string, string]
  readonly top: readonly [string, string, string] | undefined
  /** Between the names and the rows. */
  readonly rule: readonly [string, string, string]
  readonly bottom: readonly [string, string, string] | undefined
  readonly dash: string
  /** How much wider a rule is than its cell. */
  readonly margin: number
  readonly centered: boolean
  /** Between rows, where any has several lines: a rule, an empty line, nothing. */
  readonly apart: 'rule' | 'blank' | 'none'
}

const box = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
const corners = (text: string): [string, string, string] => {
  const [left = '', middle = '', right = ''] = [...text].map(box)
  return [left, middle, right]
}

const BAR = ['| ', ' | ', ' |\n'] as const

const FRAMES: Readonly<Record<string, Frame>> = {
  column: {
    row: ['', '  ', '\n'],
    top: undefined,
    rule: ['', '  ', ''],
    bottom: undefined,
    dash: '-',
    margin: 0,
    centered: false,
    apart: 'blank',
  },
  table: {
    row: BAR,
    top: ['+', '+', '+'],
    rule: ['+', '+', '+'],
    bottom: ['+', '+', '+'],
    dash: '-',
    margin: 2,
    centered: true,
    apart: 'rule',
  },
  markdown: {
    row: BAR,
    top: undefined,
    rule: ['|', '|', '|'],
    bottom: undefined,
    dash: '-',
    margin: 2,
    centered: true,
    apart: 'none',
  },
  box: {
    row: [box('│ '), box(' │ '), box(' │\n')],
    top: corners('┌┬┐'),
    rule: corners('├┼┤'),
    bottom: corners('└┴┘'),
    dash: box('─'),
    margin: 2,
    centered: true,
    apart: 'rule',
  },
}

const MANY = 1_000_000

/**
 * The next line of a cell, and what follows. Tabs become blanks up to the next multiple of eight; any other
 * control character ends the line.
 */
function displayLine(text: string, width: number): { line: string; rest: string | undefined } {
  const most = width === 0 ? MANY : width
  let line = ''
  let at = 0
  let column = 0
  while (column < most && at < text.length) {
    const code = text.charCodeAt(at)
    if (code >= 0x20) {
      column += 1
      do line += text[at++]
      while ((text.charCodeAt(at) & 0xc0) === 0x80)
    } else if (code === 9) {
      at += 1
      do {
        line += ' '
        column += 1
      } while (column % 8 !== 0 && column < most)
    } else break
  }
  if (at >= text.length) return { line, rest: undefined }
  if (column >= most && text.charCodeAt(at) >= 0x20) return { line, rest: text.slice(at) }
  const rest = text.slice(at + (text.startsWith('\r\n', at) ? 2 : 1))
  return { line, rest: rest === '' ? undefined : rest }
}

/** The lines of a cell. */
function displayLines(text: string, width: number): string[] {
  const lines: string[] = []
  for (let rest: string | undefined = text; rest !== undefined; ) {
    const next = displayLine(rest, width)
    lines.push(next.line)
    rest = next.rest
  }
  return lines
}

/** Prints results in columns as wide as their widest cell. */
export class ColumnarRenderer implements Renderer {
  readonly #settings: Settings
  readonly #write: Write
  readonly #columns: readonly string[]
  readonly #rows: string[][][] = []

  constructor(settings: Settings, columns: readonly string[], write: Write) {
    this.#settings = settings
    this.#write = write
    this.#columns = columns
  }

  row(values: readonly SqlValue[]): void {
    const { nullValue, wrap } = this.#settings
    this.#rows.push(values.map((value) => displayLines(textOf(value) ?? bytesOf(nullValue), wrap)))
  }

  end(): void {
    if (this.#rows.length === 0) return
    const { mode, headers, wrap } = this.#settings
    const frame = FRAMES[mode] as Frame
    const names = this.#columns.map((name) => displayLines(bytesOf(name), wrap))
    const widths = names.map((name, column) =>
      Math.max(
        widest(name),
        this.#rows.reduce((most, row) => Math.max(most, widest(row[column] ?? [])), 0),
      ),
    )
    const rule = (ends: readonly [string, string, string]): string => {
      const [left, middle, right] = ends
      return `${left}${widths.map((width) => frame.dash.repeat(width + frame.margin)).join(middle)}${right}\n`
    }
    if (mode !== 'column' || headers) {
      if (frame.top !== undefined) this.#write(rule(frame.top))
      this.#write(this.#line(frame, names, widths, frame.centered))
      this.#write(rule(frame.rule))
    }
    const between = this.#between(frame, rule)
    this.#rows.forEach((row, index) => {
      if (index > 0) this.#write(between)
      this.#write(this.#line(frame, row, widths, false))
    })
    if (frame.bottom !== undefined) this.#write(rule(frame.bottom))
  }

  #between(frame: Frame, rule: (ends: readonly [string, string, string]) => string): string {
    const several = this.#rows.some((row) => row.some((cell) => cell.length > 1))
    if (!several || frame.apart === 'none') return ''
    return frame.apart === 'rule' ? rule(frame.rule) : '\n'
  }

  /** A row, which may have several lines. */
  #line(
    frame: Frame,
    cells: readonly (readonly string[])[],
    widths: readonly number[],
    centered: boolean,
  ): string {
    const height = cells.reduce((most, cell) => Math.max(most, cell.length), 1)
    const [left, middle, right] = frame.row
    let text = ''
    for (let index = 0; index < height; index += 1) {
      const parts = cells.map((cell, column) => {
        const part = cell[index] ?? ''
        const width = widths[column] ?? 0
        if (!centered) return padded(part, width)
        return padded(' '.repeat(Math.floor((width - widthOf(part)) / 2)) + part, width)
      })
      text += `${left}${parts.join(middle)}${right}`
    }
    return text
  }
}

function widest(lines: readonly string[]): number {
  return lines.reduce((most, line) => Math.max(most, widthOf(line)), 0)
}
