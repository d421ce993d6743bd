/**
 * Turns the comments `// → value` of a sample into checks.
 *
 * Of an expression its value is compared, of `const name = …` what the name holds, of
 * `const { a, b } = …` an object of the names, of `console.log(…)` what it prints. The value is written
 * as Node's `util.inspect` writes it; `…` in it stands for anything. `// → throws CODE` is for a
 * statement that must fail, with an error of that code, or of that name.
 */

import ts from 'typescript'

const MARK = /\/\/ → (.*?)\s*$/

/** What the checks call: declared for the compiler, defined in `RUNTIME`. */
export const DECLARATIONS = `
declare function __is<T>(line: number, expected: string, value: T): T
declare function __log(line: number, expected: string, ...values: unknown[]): void
declare function __fails(line: number, expected: string, work: () => unknown): Promise<void>
`

/** Loaded before each program. */
export const RUNTIME = `
const { format, inspect } = require('node:util')
const show = (value) => inspect(value, { depth: null, compact: true, breakLength: Infinity })
function compare(line, expected, ...shown) {
  const pattern = expected.split('…').map((part) => part.replace(/[.*+?^$\{}()|[\\]\\\\]/g, '\\\\$&')).join('[^]*')
  if (shown.some((text) => new RegExp('^' + pattern + '$').test(text))) return
  console.error('line ' + line + ': the document says\\n  ' + expected + '\\nand it is\\n  ' + shown[0])
  process.exitCode = 1
}
globalThis.__is = (line, expected, value) => {
  compare(line, expected, show(value), String(value))
  return value
}
globalThis.__log = (line, expected, ...values) => {
  const print = (value) => typeof value === 'object' ? show(value) : value
  compare(line, expected, format(...values.map(print)))
  console.log(...values)
}
globalThis.__fails = async (line, expected, work) => {
  const wanted = expected.replace(/^throws /, '')
  try {
    await work()
  } catch (error) {
    compare(line, wanted, String(error?.code ?? error?.name), String(error?.name), String(error))
    return
  }
  compare(line, wanted, 'no error')
}
`

interface Edit {
  readonly at: number
  readonly text: string
  readonly remove?: number
}

/** The names that a declaration makes, as one expression; nothing where that is not plain. */
function declared(name: ts.BindingName): string | undefined {
  if (ts.isIdentifier(name)) return name.text
  const names = name.elements.flatMap((element) =>
    ts.isBindingElement(element) && ts.isIdentifier(element.name) ? [element.name.text] : [],
  )
  if (names.length !== name.elements.length) return undefined
  return ts.isObjectBindingPattern(name) ? `{ ${names.join(', ')} }` : `[${names.join(', ')}]`
}

function editsOf(statement: ts.Statement, source: ts.SourceFile, expected: string, line: number): Edit[] {
  const said = `${line}, ${JSON.stringify(expected)}`
  const [start, end] = [statement.getStart(source), statement.getEnd()]
  if (expected.startsWith('throws ') && ts.isExpressionStatement(statement)) {
    return [
      { at: start, text: `await __fails(${said}, async () => (` },
      { at: end, text: '))' },
    ]
  }
  if (ts.isVariableStatement(statement)) {
    const names = statement.declarationList.declarations.map(({ name }) => declared(name))
    if (names.length === 1 && names[0] !== undefined)
      return [{ at: end, text: `;__is(${said}, ${names[0]})` }]
  }
  if (ts.isExpressionStatement(statement)) {
    const { expression } = statement
    if (ts.isCallExpression(expression) && expression.expression.getText(source) === 'console.log') {
      const callee = expression.expression
      const open = source.text.indexOf('(', callee.getEnd()) + 1
      return [{ at: start, text: `__log(${said}, `, remove: open - start }]
    }
    return [
      { at: start, text: `;__is(${said}, (` },
      { at: expression.getEnd(), text: '))' },
    ]
  }
  throw new Error(`line ${line}: "// → ${expected}" stands behind a statement that has no value`)
}

/** The text with its checks. Lines stay where they are. */
export function withChecks(text: string, file: string): string {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true)
  const marks = new Map<number, string>()
  text.split('\n').forEach((line, index) => {
    const mark = MARK.exec(line)
    if (mark) marks.set(index, mark[1] as string)
  })
  const edits: Edit[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node) || ts.isVariableStatement(node)) {
      const line = source.getLineAndCharacterOfPosition(node.getEnd()).line
      const expected = marks.get(line)
      if (expected !== undefined) {
        marks.delete(line)
        edits.push(...editsOf(node, source, expected, line + 1))
        return
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  for (const line of marks.keys()) throw new Error(`line ${line + 1}: "// →" stands behind no statement`)
  let out = text
  for (const { at, text: added, remove = 0 } of edits.sort((left, right) => right.at - left.at)) {
    out = out.slice(0, at) + added + out.slice(at + remove)
  }
  return out
}
