/** Reads CSV: RFC 4180, and what the sqlite3 shell takes beyond it. */

import { CliError } from '../failure.js'

/** A row and the line that it begins on, from 1. */
export interface CsvRow {
  readonly fields: string[]
  readonly line: number
}

/** Takes text piece by piece and gives rows as they are complete. */
export class CsvReader {
  readonly #separator: string
  #text = ''
  #at = 0
  #fields: string[] = []
  #line = 1
  #rowLine = 1

  constructor(separator: string) {
    this.#separator = separator
  }

  /** Adds text; gives the rows that it completes. */
  push(text: string): CsvRow[] {
    this.#text = this.#text.slice(this.#at) + text
    this.#at = 0
    return this.#rows(false)
  }

  /** The rows that the end of the text completes. */
  end(): CsvRow[] {
    return this.#rows(true)
  }

  #rows(last: boolean): CsvRow[] {
    const rows: CsvRow[] = []
    while (this.#at < this.#text.length || (last && this.#fields.length > 0)) {
      const end = this.#text[this.#at] === '"' ? this.#quoted(last) : this.#plain(this.#at, '', last)
      if (end === undefined) break
      if (end === 'row') rows.push(this.#take())
    }
    return rows
  }

  #take(): CsvRow {
    const row = { fields: this.#fields, line: this.#rowLine }
    this.#fields = []
    this.#rowLine = this.#line
    return row
  }

  /** Takes a field up to the next separator or end of line; what is quoted of it comes before. */
  #plain(from: number, before: string, last: boolean): 'field' | 'row' | undefined {
    const text = this.#text
    const newline = text.indexOf('\n', from)
    const separator = text.indexOf(this.#separator, from)
    if (separator >= 0 && (newline < 0 || separator < newline)) {
      this.#field(before + text.slice(from, separator), separator + this.#separator.length)
      return 'field'
    }
    if (newline < 0 && !last) return undefined
    const end = newline < 0 ? text.length : newline
    const value = text.slice(from, end)
    this.#field(before + (value.endsWith('\r') ? value.slice(0, -1) : value), newline < 0 ? end : end + 1)
    this.#line += 1
    return 'row'
  }

  #endsField(at: number): boolean {
    const text = this.#text
    return (
      at === text.length || text.startsWith(this.#separator, at) || /^\r?(\n|$)/.test(text.slice(at, at + 2))
    )
  }

  #field(value: string, next: number): void {
    this.#fields.push(value)
    this.#at = next
  }

  /** Takes a field in quotes, in which two of them stand for one. */
  #quoted(last: boolean): 'field' | 'row' | undefined {
    const text = this.#text
    let close = text.indexOf('"', this.#at + 1)
    while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2)
    // The quote at the end may be the first of two.
    if (close < 0 || (close + 1 === text.length && !last)) {
      if (!last) return undefined
      throw new CliError(`line ${this.#rowLine}: a field in quotes has no end`)
    }
    const value = text.slice(this.#at + 1, close).replaceAll('""', '"')
    // What ends the field may not be there as a whole.
    if (!last && text.length - close - 1 < Math.max(2, this.#separator.length)) return undefined
    if (!this.#endsField(close + 1)) {
      throw new CliError(`line ${this.#rowLine}: a quote inside a field in quotes is not doubled`)
    }
    const start = this.#at
    const line = this.#line
    for (let at = text.indexOf('\n', start); at >= 0 && at < close; at = text.indexOf('\n', at + 1))
      this.#line += 1
    const end = this.#plain(close + 1, value, last)
    if (end === undefined) {
      this.#at = start
      this.#line = line
    }
    return end
  }
}
