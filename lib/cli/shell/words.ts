/** Words of a dot command. */

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
