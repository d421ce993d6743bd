/** Words of a dot command. */

import { usage } from '../failure.js'
import { didYouMean } from '../nearest.js'

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
}

/** Words between blanks; in single quotes as they are, in double quotes with backslashes. */
export function wordsOf(line: string): string[] {
  const words: string[] = []
  for (const [, single, double, bare] of line.matchAll(/'((?:[^']|'')*)'?|"((?:[^"\\]|\\.)*)"?|(\S+)/g)) {
    if (single !== undefined) words.push(single.replaceAll("''", "'"))
    else if (double !== undefined) words.push(unescaped(double))
    else words.push(bare ?? '')
  }
  return words
}

/** A text with its backslashes resolved. */
export function unescaped(text: string): string {
  return text.replace(/\\([0-7]{1,3}|.)/g, (_, code: string) =>
    /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
  )
}

/** Words and options of a dot command; options may begin with one dash, as in the sqlite3 shell. */
export function wordsAndOptions(
  args: readonly string[],
  withValue: readonly string[],
  switches: readonly string[],
): { words: string[]; options: Record<string, string | boolean> } {
  const words: string[] = []
  const options: Record<string, string | boolean> = {}
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? ''
    const name = /^--?([a-z].*)$/.exec(word)?.[1]
    if (name === undefined) words.push(word)
    else if (switches.includes(name)) options[name] = true
    else if (withValue.includes(name)) {
      const value = args[at + 1]
      if (value === undefined) throw usage(`the option ${word} needs a value`)
      options[name] = value
      at += 1
    } else {
      const known = [...withValue, ...switches].map((option) => `--${option}`)
      throw usage(`there is no option ${word}`, didYouMean(word, known))
    }
  }
  return { words, options }
}
