/** Modes that print each row as it comes: list, csv, tabs, line, json, insert, quote. */

import type { SqlValue } from '../../types.js'
import { bytesOf } from './bytes.js'
import { csvField, jsonString, jsonValue, nameOf, sqlLiteral, sqlOneLine, textOf } from './quote.js'
import type { Renderer, Settings, Write } from './renderer.js'

/** How rows of a mode with separators look. */
interface Separated {
  readonly separator: string
  readonly rowSeparator: string
  readonly header: (name: string, separator: string) => string
  readonly cell: (value: SqlValue, nullValue: string, separator: string) => string
}

const plainCell = (value: SqlValue, nullValue: string): string => textOf(value) ?? nullValue

const SEPARATED: Readonly<Record<string, Separated>> = {
  list: { separator: '|', rowSeparator: '\n', header: (name) => name, cell: plainCell },
  tabs: { separator: '\t', rowSeparator: '\n', header: (name) => name, cell: plainCell },
  csv: {
    separator: ',',
    rowSeparator: '\r\n',
    header: csvField,
    cell: (value, nullValue, separator) => {
      const text = textOf(value)
      return text === undefined ? nullValue : csvField(text, separator)
    },
  },
  quote: {
    separator: ',',
    rowSeparator: '\n',
    header: (name) => `'${name.replaceAll("'", "''")}'`,
    cell: sqlLiteral,
  },
}

/** Prints rows with separators. */
export class SeparatedRenderer implements Renderer {
  readonly #kind: Separated
  readonly #write: Write
  readonly #separator: string
  readonly #rowSeparator: string
  readonly #nullValue: string
  #header: string | undefined

  constructor(settings: Settings, columns: readonly string[], write: Write) {
    const kind = SEPARATED[settings.mode] as Separated
    this.#kind = kind
    this.#write = write
    this.#separator = bytesOf(settings.separator ?? kind.separator)
    this.#rowSeparator = bytesOf(settings.rowSeparator ?? kind.rowSeparator)
    this.#nullValue = bytesOf(settings.nullValue)
    if (settings.headers) {
      const names = columns.map((name) => kind.header(bytesOf(name), this.#separator))
      this.#header = names.join(this.#separator) + this.#rowSeparator
    }
  }

  row(values: readonly SqlValue[]): void {
    if (this.#header !== undefined) this.#write(this.#header)
    this.#header = undefined
    const cells = values.map((value) => this.#kind.cell(value, this.#nullValue, this.#separator))
    this.#write(cells.join(this.#separator) + this.#rowSeparator)
  }

  end(): void {}
}

/** A line a value. */
export class LineRenderer implements Renderer {
  readonly #names: string[]
  readonly #write: Write
  readonly #nullValue: string
  #first = true

  constructor(settings: Settings, columns: readonly string[], write: Write) {
    const names = columns.map(bytesOf)
    const width = names.reduce((most, name) => Math.max(most, name.length), 5)
    this.#names = names.map((name) => name.padStart(width))
    this.#nullValue = bytesOf(settings.nullValue)
    this.#write = write
  }

  row(values: readonly SqlValue[]): void {
    const lines = values.map(
      (value, column) => `${this.#names[column]} = ${textOf(value) ?? this.#nullValue}\n`,
    )
    this.#write((this.#first ? '' : '\n') + lines.join(''))
    this.#first = false
  }

  end(): void {}
}

/** One array of objects. */
export class JsonRenderer implements Renderer {
  readonly #names: string[]
  readonly #write: Write
  #first = true

  constructor(_: Settings, columns: readonly string[], write: Write) {
    this.#names = columns.map((name) => jsonString(bytesOf(name)))
    this.#write = write
  }

  row(values: readonly SqlValue[]): void {
    const fields = values.map((value, column) => `${this.#names[column]}:${jsonValue(value)}`)
    this.#write(`${this.#first ? '[' : ',\n'}{${fields.join(',')}}`)
    this.#first = false
  }

  end(): void {
    if (!this.#first) this.#write(']\n')
  }
}

/** A statement a row. */
export class InsertRenderer implements Renderer {
  readonly #head: string
  readonly #write: Write

  constructor(settings: Settings, columns: readonly string[], write: Write) {
    const names = settings.headers ? `(${columns.map(nameOf).map(bytesOf).join(',')})` : ''
    this.#head = `INSERT INTO ${bytesOf(nameOf(settings.table))}${names} VALUES(`
    this.#write = write
  }

  row(values: readonly SqlValue[]): void {
    this.#write(`${this.#head}${values.map(sqlOneLine).join(',')});\n`)
  }

  end(): void {}
}
