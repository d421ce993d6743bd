/** SQL text in pieces, as far as is needed to see what it is about and where values stand in it. */

/** A piece of SQL text. */
export interface Token {
  readonly kind: 'word' | 'name' | 'literal' | 'parameter' | 'comment' | 'space' | 'mark'
  readonly text: string
}

/** In the order in which they are tried. A piece that is not closed goes to the end, as in SQLite. */
const PIECES: readonly (readonly [Token['kind'], RegExp])[] = [
  ['space', /\s+/y],
  ['comment', /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y],
  ['literal', /[xX]?'[^']*(?:''[^']*)*(?:'|$)/y],
  ['name', /"[^"]*(?:""[^"]*)*(?:"|$)|`[^`]*(?:``[^`]*)*(?:`|$)|\[[^\]]*(?:\]|$)/y],
  ['parameter', /\?\d*|[:@$][\w$\u0080-\uffff]+(?:::\w+)*/y],
  ['literal', /0[xX][\da-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y],
  ['word', /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y],
]

/** The pieces of a text: together they are the text. */
export function* tokensOf(sql: string): Generator<Token> {
  for (let at = 0; at < sql.length; ) {
    const token = tokenAt(sql, at)
    yield token
    at += token.text.length
  }
}

function tokenAt(sql: string, at: number): Token {
  for (const [kind, pattern] of PIECES) {
    pattern.lastIndex = at
    const text = pattern.exec(sql)?.[0]
    if (text) return { kind, text }
  }
  return { kind: 'mark', text: sql[at] as string }
}
