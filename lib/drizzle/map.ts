/** How rows become what a query of drizzle promised. */

import type { SelectedFieldsOrdered } from 'drizzle-orm/sqlite-core'
import * as utils from 'drizzle-orm/utils'

/** Left out of the declarations of drizzle-orm, and what all its drivers map rows with. */
const { mapResultRow } = utils as unknown as {
  readonly mapResultRow: (
    columns: SelectedFieldsOrdered,
    row: readonly unknown[],
    joinsNotNullableMap: Record<string, boolean> | undefined,
  ) => unknown
}

/** Makes the results of relational queries. */
export type ResultMapper = (rows: unknown[][], mapColumnValue?: (value: unknown) => unknown) => unknown

/** What a query says of its rows. */
export interface Mapping {
  readonly fields: SelectedFieldsOrdered | undefined
  readonly mapper: ResultMapper | undefined
}

/** Whether rows are mapped from arrays; else they are given as objects. */
export function isMapped({ fields, mapper }: Mapping): boolean {
  return fields !== undefined || mapper !== undefined
}

/** All rows of a query. `query` knows which tables of a join may be absent. */
export function mapAll(mapping: Mapping, query: object, rows: unknown[][]): unknown {
  const { fields, mapper } = mapping
  if (mapper !== undefined) return mapper(rows)
  return rows.map((row) => mapResultRow(fields ?? [], row, joinsOf(query)))
}

/** The first row of a query. */
export function mapFirst(mapping: Mapping, query: object, row: unknown[] | undefined): unknown {
  if (row === undefined) return undefined
  const { fields, mapper } = mapping
  return mapper === undefined ? mapResultRow(fields ?? [], row, joinsOf(query)) : mapper([row])
}

function joinsOf(query: object): Record<string, boolean> | undefined {
  return (query as { readonly joinsNotNullableMap?: Record<string, boolean> }).joinsNotNullableMap
}

/** Rows of a batch as objects. */
export function objectsOf({
  columns,
  rows,
}: {
  readonly columns: readonly string[]
  readonly rows: readonly unknown[][]
}): Record<string, unknown>[] {
  return rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]])))
}
