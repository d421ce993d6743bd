/** What a virtual table is made of, and its checks, with the messages of better-sqlite3. */

/** A row: its values in the order of the columns, or by their names. */
export type TableRowSync = readonly unknown[] | Readonly<Record<string, unknown>>

/** A virtual table. */
export interface TableDefinitionSync {
  /** The names of its columns. */
  readonly columns: readonly string[]
  /**
   * The names of its parameters, at most 32: hidden columns, which SQL gives values as arguments,
   * `name(1, 2)`, or by `=`. Default: `$1`, `$2` and so on, as many as `rows` declares.
   */
  readonly parameters?: readonly string[]
  /** Yields the rows. A parameter that SQL gives no value is `undefined`; with a NULL there are no rows. */
  // biome-ignore lint/suspicious/noExplicitAny: any other type would refuse callers' own functions
  readonly rows: (...values: any[]) => Generator<TableRowSync, unknown, undefined>
  /** INTEGER arguments come as bigints. Default: that of the database. */
  readonly safeIntegers?: boolean
  /** Not to be read by what the schema says: views, triggers. */
  readonly directOnly?: boolean
}

/** A definition that was checked. */
export interface ParsedTable {
  readonly columns: readonly string[]
  readonly parameters: readonly string[]
  readonly rows: (...values: unknown[]) => Iterator<unknown>
  readonly safeIntegers: boolean | undefined
  readonly directOnly: boolean
}

const PARAMETERS_MAX = 32

const generatorFunction: unknown = Object.getPrototypeOf(function* () {})

/** Checks a definition that a program `used` or a factory `returned`. */
export function parseTable(given: object, verb: 'used' | 'returned', name: string): ParsedTable {
  const definition = given as Record<string, unknown>
  const about = `Virtual table module "${name}" ${verb} a table definition`
  const has = (property: string): boolean => Object.hasOwn(definition, property)
  for (const property of ['rows', 'columns']) {
    if (!has(property)) throw new TypeError(`${about} without a "${property}" property`)
  }
  const { rows } = definition
  if (typeof rows !== 'function' || Object.getPrototypeOf(rows) !== generatorFunction) {
    throw new TypeError(`${about} with an invalid "rows" property (should be a generator function)`)
  }
  const columns = names(definition, 'columns', about)
  requireDistinct(columns, `${about} with duplicate column names`)
  if (columns.length === 0) throw new RangeError(`${about} with zero columns`)
  const parameters = has('parameters') ? names(definition, 'parameters', about) : inferred(rows)
  checkParameters(parameters, columns, about)
  return {
    columns,
    parameters,
    rows: rows as ParsedTable['rows'],
    safeIntegers: has('safeIntegers') ? flag(definition, 'safeIntegers', about) : undefined,
    directOnly: has('directOnly') && flag(definition, 'directOnly', about),
  }
}

function names(definition: Record<string, unknown>, property: string, about: string): string[] {
  const given = definition[property]
  const list: unknown[] | undefined = Array.isArray(given) ? [...given] : undefined
  const text: string[] = []
  for (const name of list ?? []) if (typeof name === 'string') text.push(name)
  if (text.length === list?.length) return text
  throw new TypeError(`${about} with an invalid "${property}" property (should be an array of strings)`)
}

function requireDistinct(list: readonly string[], message: string): void {
  if (new Set(list).size !== list.length) throw new TypeError(message)
}

function checkParameters(parameters: readonly string[], columns: readonly string[], about: string): void {
  requireDistinct(parameters, `${about} with duplicate parameter names`)
  if (parameters.length > PARAMETERS_MAX) {
    throw new RangeError(`${about} with more than the maximum number of 32 parameters`)
  }
  const both = parameters.find((parameter) => columns.includes(parameter))
  if (both !== undefined) {
    const what = 'which was ambiguously defined as both a column and parameter'
    throw new TypeError(`${about} with column "${both}" ${what}`)
  }
}

function inferred({ length }: { readonly length: unknown }): string[] {
  if (!Number.isInteger(length) || (length as number) < 0) {
    throw new TypeError('Expected function.length to be a positive integer')
  }
  // One too many is enough to be refused.
  const count = Math.min(length as number, PARAMETERS_MAX + 1)
  return Array.from({ length: count }, (_, index) => `$${index + 1}`)
}

function flag(definition: Record<string, unknown>, property: string, about: string): boolean {
  const value = definition[property]
  if (typeof value === 'boolean') return value
  throw new TypeError(`${about} with an invalid "${property}" property (should be a boolean)`)
}
