/**
 * The samples of the documents, as programs.
 *
 * A sample is a fenced block marked `ts` or `js`. One without an `import` or `require` goes on with the
 * sample before it in its document, as a reader does; so does one after `<!-- continues -->`. One after
 * `<!-- not run: why -->` is not run. A line that ends in `// → value` is checked: see check.ts.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Samples of one document that run as one program. */
export interface Program {
  /** The document, from the root of the project. */
  readonly document: string
  /** The line of its first sample. */
  readonly line: number
  readonly language: 'ts' | 'js' | 'cjs'
  /** Each line where it stands in the document, all else empty: so errors have the right line. */
  readonly text: string
}

/** A sample that is not run. */
export interface Skipped {
  readonly document: string
  readonly line: number
  readonly reason: string
}

const FENCE = /^( *)```(\w*)\s*$/
const SKIP = /^<!-- not run: (.+) -->$/
const LANGUAGES: Readonly<Record<string, 'ts' | 'js'>> = {
  ts: 'ts',
  typescript: 'ts',
  js: 'js',
  javascript: 'js',
}

/** The documents that have samples. */
export function documents(root: string): string[] {
  const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
  return ['README.md', ...docs.sort().map((name) => `docs/${name}`)]
}

/** The programs of a document, and what it does not run. */
export function programsOf(root: string, document: string): { programs: Program[]; skipped: Skipped[] } {
  return extract(document, readFileSync(join(root, document), 'utf8'))
}

/** The same of a text. */
export function extract(document: string, text: string): { programs: Program[]; skipped: Skipped[] } {
  const programs: { line: number; language: Program['language']; lines: string[] }[] = []
  const skipped: Skipped[] = []
  const lines = text.split('\n')
  let note = ''
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] as string
    const [, indent = '', fence] = FENCE.exec(line) ?? []
    if (fence === undefined) {
      if (line.trim() !== '') note = line.trim()
      continue
    }
    const first = at + 1
    while (at + 1 < lines.length && !/^ *```\s*$/.test(lines[at + 1] as string)) at += 1
    const body = lines.slice(first, at + 1).map((it) => it.slice(indent.length))
    at += 1
    const language = LANGUAGES[fence]
    const reason = SKIP.exec(note)?.[1]
    const continues = note === '<!-- continues -->'
    note = ''
    if (language === undefined) continue
    if (reason !== undefined) {
      skipped.push({ document, line: first + 1, reason })
      continue
    }
    const last = programs.at(-1)
    const goesOn = continues || !/^\s*(import\b|.*\brequire\()/m.test(body.join('\n'))
    if (last !== undefined && goesOn) {
      last.lines.push(...Array<string>(first - last.lines.length).fill(''), ...body)
      continue
    }
    const isCommon = language === 'js' && /\brequire\(/.test(body.join('\n'))
    programs.push({
      line: first + 1,
      language: isCommon ? 'cjs' : language,
      lines: [...Array<string>(first).fill(''), ...body],
    })
  }
  return {
    programs: programs.map(({ line, language, lines }) => ({
      document,
      line,
      language,
      text: `${lines.join('\n')}\n`,
    })),
    skipped,
  }
}
