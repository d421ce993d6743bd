/** Template literals as statements. */

import type { Queryable } from './queryable.js'
import type { Row, RunResult, SqlInput, SqlValue } from './types.js'

/** The tag itself runs `all`; its methods say otherwise. */
export interface SqlTagFunction {
  <T = Row>(sql: TemplateStringsArray, ...values: SqlInput[]): Promise<T[]>
  get<T = Row>(sql: TemplateStringsArray, ...values: SqlInput[]): Promise<T | undefined>
  all<T = Row>(sql: TemplateStringsArray, ...values: SqlInput[]): Promise<T[]>
  run(sql: TemplateStringsArray, ...values: SqlInput[]): Promise<RunResult>
  values<T extends SqlValue[] = SqlValue[]>(sql: TemplateStringsArray, ...values: SqlInput[]): Promise<T[]>
}

const texts = new WeakMap<TemplateStringsArray, string>()

function text(strings: TemplateStringsArray): string {
  let known = texts.get(strings)
  if (known === undefined) {
    if (!Array.isArray(strings) || !Array.isArray(strings.raw)) {
      throw new TypeError('sql is a template tag: write sql`…` without parentheses')
    }
    known = strings.join('?')
    texts.set(strings, known)
  }
  return known
}

/** Makes the tag of a database or transaction. */
export function SqlTag(on: Queryable): SqlTagFunction {
  // The values as one array, so that none of them is taken for named parameters.
  const all = async <T>(sql: TemplateStringsArray, ...values: SqlInput[]) => on.all<T>(text(sql), values)
  return Object.assign(all, {
    all,
    get: async <T>(sql: TemplateStringsArray, ...values: SqlInput[]) => on.get<T>(text(sql), values),
    run: async (sql: TemplateStringsArray, ...values: SqlInput[]) => on.run(text(sql), values),
    values: async <T extends SqlValue[]>(sql: TemplateStringsArray, ...values: SqlInput[]) =>
      on.values<T>(text(sql), values),
  }) as SqlTagFunction
}
