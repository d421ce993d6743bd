/** Cuts SQL text into statements, by the rules of `sqlite3_complete`. */

/** Classes of tokens, in the order of the columns below. */
const Token = {
  semicolon: 0,
  space: 1,
  other: 2,
  explain: 3,
  create: 4,
  temp: 5,
  trigger: 6,
  end: 7,
} as const

const WORDS: Readonly<Record<string, number>> = {
  explain: Token.explain,
  create: Token.create,
  temp: Token.temp,
  temporary: Token.temp,
  trigger: Token.trigger,
  end: Token.end,
}

const START = 1

/** The next state by state and token: SQLite's own table. A trigger ends with `; END ;`. */
const NEXT: readonly (readonly number[])[] = [
  /* 0 nothing yet   */ [1, 0, 2, 3, 4, 2, 2, 2],
  /* 1 start         */ [1, 1, 2, 3, 4, 2, 2, 2],
  /* 2 ordinary      */ [1, 2, 2, 2, 2, 2, 2, 2],
  /* 3 EXPLAIN       */ [1, 3, 3, 2, 4, 2, 2, 2],
  /* 4 CREATE        */ [1, 4, 2, 2, 2, 4, 5, 2],
  /* 5 in a trigger  */ [6, 5, 5, 5, 5, 5, 5, 5],
  /* 6 ; in it       */ [6, 6, 5, 5, 5, 5, 5, 7],
  /* 7 ; END in it   */ [1, 7, 5, 5, 5, 5, 5, 5],
]

/** A statement and where it stands. */
export interface Statement {
  /** Its text, from its first word to its semicolon. */
  readonly sql: string
  /** The line of its first word, from 1. */
  readonly line: number
}

const SPACE = /[ \t\n\r\f]+/y
const WORD = /[A-Za-z0-9_$\u0080-\uffff]+/y
const QUOTES: Readonly<Record<string, string>> = { "'": "'", '"': '"', '`': '`', '[': ']' }

/** Takes text piece by piece and gives statements as they are complete. */
export class Scanner {
  #text = ''
  #at = 0
  #state = 0
  /** Where the statement's first word is; -1 before. */
  #first = -1
  #line = 1
  /** Up to where lines have been counted. */
  #counted = 0

  /** Adds text. */
  push(text: string): void {
    this.#text += text
  }

  /** Whether there is a statement that is begun and not complete. */
  get open(): boolean {
    return this.#first >= 0
  }

  /** Whether text is left that belongs to the next statement, be it a comment that is not closed. */
  get waiting(): boolean {
    return this.#text.trim() !== ''
  }

  /** The next complete statement. `last` says that no text follows, so that the last word ends there. */
  next(last = false): Statement | undefined {
    while (this.#at < this.#text.length) {
      const from = this.#at
      const token = this.#token(last)
      if (token === undefined) break
      if (token !== Token.space && this.#first < 0) this.#first = from
      this.#state = NEXT[this.#state]?.[token] ?? 0
      if (token === Token.semicolon && this.#state === START) {
        const statement = this.#take()
        if (statement !== undefined) return statement
      }
    }
    if (this.#first < 0) this.#drop()
    return undefined
  }

  /** What is left at the end of the text, if it is anything but blanks and comments. */
  rest(): Statement | undefined {
    if (this.#first < 0) return undefined
    this.#at = this.#text.length
    return this.#take()
  }

  /** Forgets what is begun. */
  reset(): void {
    this.#at = this.#text.length
    this.#drop()
  }

  #take(): Statement | undefined {
    const from = this.#first
    const sql = this.#text.slice(from, this.#at)
    this.#count(from)
    const line = this.#line
    this.#drop()
    return sql === ';' ? undefined : { sql, line }
  }

  #count(to: number): void {
    for (let at = this.#text.indexOf('\n', this.#counted); at >= 0 && at < to; ) {
      this.#line += 1
      at = this.#text.indexOf('\n', at + 1)
    }
    this.#counted = to
  }

  /** Lets go of all text up to here. */
  #drop(): void {
    this.#count(this.#at)
    this.#text = this.#text.slice(this.#at)
    this.#at = 0
    this.#counted = 0
    this.#state = 0
    this.#first = -1
  }

  /** The class of the next token, which is stepped over; `undefined` if more text may change it. */
  #token(last: boolean): number | undefined {
    const text = this.#text
    const at = this.#at
    const character = text[at] ?? ''
    if (character === ';') return this.#step(at + 1, Token.semicolon)
    const space = this.#match(SPACE)
    if (space > 0) return this.#step(at + space, Token.space)
    const pair = text.slice(at, at + 2)
    if (pair === '/*') return this.#until('*/', at + 2, 2, Token.space)
    if (pair === '--') return this.#until('\n', at + 2, 1, last ? Token.space : undefined, Token.space)
    if ((character === '/' || character === '-') && pair.length === 1 && !last) return undefined
    const quote = QUOTES[character]
    if (quote !== undefined) return this.#until(quote, at + 1, 1, undefined, Token.other)
    const word = this.#match(WORD)
    if (word === 0) return this.#step(at + 1, Token.other)
    if (at + word === text.length && !last) return undefined
    const kind = word <= 9 ? WORDS[text.slice(at, at + word).toLowerCase()] : undefined
    return this.#step(at + word, kind ?? Token.other)
  }

  #match(pattern: RegExp): number {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#text)?.[0].length ?? 0
  }

  #step(to: number, token: number): number {
    this.#at = to
    return token
  }

  /** Steps behind the end of a comment or string; what has no end is of the class `open`, or waits. */
  #until(
    end: string,
    from: number,
    length: number,
    open: number | undefined,
    token = Token.space as number,
  ): number | undefined {
    const found = this.#text.indexOf(end, from)
    if (found >= 0) return this.#step(found + length, token)
    if (open === undefined || end === '*/') {
      // An open string makes the statement one that is begun.
      if (token === Token.other && this.#first < 0) this.#first = this.#at
      return undefined
    }
    return this.#step(this.#text.length, open)
  }
}

/** Whether a text ends where a statement does. */
export function isComplete(text: string): boolean {
  const scanner = new Scanner()
  scanner.push(text)
  while (scanner.next(true) !== undefined) {
    // Only what is left counts.
  }
  return !scanner.open
}

/** All statements of a text. */
export function statements(text: string): Statement[] {
  const scanner = new Scanner()
  scanner.push(text)
  const found: Statement[] = []
  for (let next = scanner.next(true); next !== undefined; next = scanner.next(true)) found.push(next)
  const rest = scanner.rest()
  return rest === undefined ? found : [...found, rest]
}
