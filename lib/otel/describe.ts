/** What SQL text is about, in the words of the semantic conventions. */

import { type Token, tokensOf } from './tokens.js'

/** What a text does, and to what. */
export interface Description {
  /** The text that may leave the process: without values. */
  readonly text: string
  /** Operations and their targets, in order: `INSERT audit SELECT message`. */
  readonly summary: string
  /** The operation of a text of one statement. */
  readonly operation: string | undefined
  /** The table of a text that has one. */
  readonly target: string | undefined
}

/** So long may a summary be. */
const SUMMARY_MAX = 255
/** So much of a text is looked at, and told. */
const TEXT_MAX = 16_384
/** So many texts are remembered, none of them longer than this. */
const KNOWN_MAX = 1000
const KNOWN_TEXT_MAX = 2048

const known = new Map<string, Description>()

/** Describes a text. */
export function describeSql(sql: string): Description {
  const found = known.get(sql)
  if (found !== undefined) return found
  const start = sql.slice(0, TEXT_MAX)
  const description = describe([...tokensOf(start)], start)
  if (sql.length <= KNOWN_TEXT_MAX) {
    if (known.size >= KNOWN_MAX) known.clear()
    known.set(sql, description)
  }
  return description
}

function describe(tokens: readonly Token[], sql: string): Description {
  const reader = new Reader()
  for (const token of tokens) if (token.kind !== 'space' && token.kind !== 'comment') reader.take(token)
  const { words, operations, targets, statements } = reader.end()
  return {
    text: withoutValues(tokens, sql),
    summary: shortened(words),
    operation: statements === 1 ? operations[0] : undefined,
    target: new Set(targets).size === 1 ? targets[0] : undefined,
  }
}

/**
 * Whoever binds parameters keeps values out of the text, which then stays as it is. From other texts
 * literals and comments are taken out.
 */
function withoutValues(tokens: readonly Token[], sql: string): string {
  if (tokens.some(({ kind }) => kind === 'parameter')) return sql
  const kept = tokens.map(({ kind, text }) => {
    if (kind === 'literal') return '?'
    return kind === 'comment' ? ' ' : text
  })
  return kept.join('')
}

function shortened(words: readonly string[]): string {
  let summary = ''
  for (const word of words) {
    const longer = summary === '' ? word : `${summary} ${word}`
    if (longer.length > SUMMARY_MAX) break
    summary = longer
  }
  return summary
}

/** Words that operate on the tables that follow. */
const OPERATIONS = new Set(['SELECT', 'INSERT', 'REPLACE', 'UPDATE', 'DELETE', 'VALUES'])
/** Words that change the schema: the kind of thing and its name follow. */
const DEFINITIONS = new Set(['CREATE', 'DROP', 'ALTER'])
/** Words between a definition and the kind of thing. */
const ADJECTIVES = new Set(['TEMP', 'TEMPORARY', 'UNIQUE', 'VIRTUAL'])
const BEFORE_TARGETS = new Set(['FROM', 'JOIN', 'INTO'])
const AFTER_TABLES = new Set(['WHERE', 'SET', 'GROUP', 'ORDER', 'LIMIT', 'RETURNING', 'WINDOW'])

/** Reads a text word by word. */
class Reader {
  readonly words: string[] = []
  readonly operations: string[] = []
  readonly targets: string[] = []
  statements = 0
  /** The statement's first word; empty before it. */
  #first = ''
  #previous = ''
  /** What the next name is: of a table, or of a thing that is defined. */
  #expects: 'nothing' | 'table' | 'thing' = 'nothing'
  /** A name that goes on behind a dot. */
  #name: string | undefined
  /** The rest of the statement says nothing more. */
  #done = false
  /** Whether a comma is followed by another table, by depth of parentheses. */
  #tables: boolean[] = [false]

  take({ kind, text }: Token): void {
    if (kind === 'mark') this.#mark(text)
    else if (kind === 'name') this.#named(text.slice(1, -1))
    else if (kind === 'word') this.#word(text)
    else this.#flush()
  }

  end(): this {
    this.#flush()
    return this
  }

  #mark(mark: string): void {
    if (mark === '.' && this.#name !== undefined) {
      this.#name += '.'
      return
    }
    this.#flush()
    if (mark === ';') this.#statementEnds()
    else if (mark === '(') this.#tables.push(false)
    else if (mark === ')') this.#tables.pop()
    else if (mark === ',' && this.#tables.at(-1) === true) this.#expects = 'table'
    if (mark === '(') this.#expects = 'nothing'
  }

  #statementEnds(): void {
    // The body of a trigger has statements of its own, up to its END.
    if (this.#first === 'CREATE TRIGGER' && this.#previous !== 'END') return
    this.#first = ''
    this.#previous = ''
    this.#done = false
    this.#expects = 'nothing'
    this.#tables = [false]
  }

  #named(name: string): void {
    if (this.#name?.endsWith('.')) this.#name += name
    else {
      this.#flush()
      if (this.#expects !== 'nothing') this.#name = name
    }
  }

  #word(word: string): void {
    if (this.#name?.endsWith('.')) {
      this.#name += word
      return
    }
    this.#flush()
    const upper = word.toUpperCase()
    if (this.#first === '') this.#begin(upper)
    else if (!this.#done) this.#goOn(word, upper)
    this.#previous = upper
  }

  #begin(word: string): void {
    this.statements += 1
    this.#first = word
    if (DEFINITIONS.has(word)) return
    if (word === 'WITH') return
    this.#operation(word)
    if (word === 'PRAGMA') this.#expects = 'thing'
    else if (word === 'UPDATE') this.#expects = 'table'
    else if (!OPERATIONS.has(word) && word !== 'EXPLAIN') this.#done = true
  }

  #goOn(word: string, upper: string): void {
    if (DEFINITIONS.has(this.#first)) {
      if (ADJECTIVES.has(upper)) return
      this.#first = `${this.#first} ${upper}`
      this.#operation(this.#first)
      this.#expects = 'thing'
    } else if (this.#expects === 'thing') {
      if (upper !== 'IF' && upper !== 'NOT' && upper !== 'EXISTS') this.#name = word
    } else if (BEFORE_TARGETS.has(upper)) {
      this.#expects = 'table'
      this.#tables[this.#tables.length - 1] = upper !== 'INTO'
    } else if (OPERATIONS.has(upper)) {
      this.#nested(upper)
    } else if (AFTER_TABLES.has(upper)) {
      this.#expects = 'nothing'
      this.#tables[this.#tables.length - 1] = false
    } else if (this.#expects === 'table') {
      // UPDATE OR IGNORE t.
      if (upper !== 'OR' && this.#previous !== 'OR') this.#name = word
    }
  }

  /** An operation inside another, if it is one. */
  #nested(word: string): void {
    this.#expects = 'nothing'
    // INSERT … VALUES, INSERT OR REPLACE, the function replace(), ON CONFLICT DO UPDATE, ON DELETE.
    const isOwn = word === 'SELECT' || (this.#first === 'WITH' && this.#tables.length === 1)
    if (!isOwn || word === 'VALUES' || this.#previous === 'OR' || this.#previous === 'DO') return
    this.#operation(word)
    if (word === 'UPDATE') this.#expects = 'table'
  }

  #operation(word: string): void {
    this.operations.push(word)
    this.words.push(word)
  }

  /** A name is whole. */
  #flush(): void {
    if (this.#name === undefined) return
    const name = this.#name
    this.#name = undefined
    this.words.push(name)
    if (this.#expects === 'thing') {
      this.#done = true
      if (this.#first.endsWith(' TABLE')) this.targets.push(name)
    } else {
      this.targets.push(name)
    }
    this.#expects = 'nothing'
  }
}
