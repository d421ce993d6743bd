/** Formats of files, by their names. */

import { basename, extname } from 'node:path'
import { usage } from '../failure.js'
import { didYouMean } from '../nearest.js'

/** Formats, and the endings of file names that stand for them. */
const ENDINGS = {
  db: ['.db', '.sqlite', '.sqlite3', '.db3'],
  sql: ['.sql'],
  csv: ['.csv'],
  tsv: ['.tsv', '.tab'],
  json: ['.json'],
} as const

export type Format = keyof typeof ENDINGS

/** The format that `--format` or the end of a file's name says. */
export function formatOf<F extends Format>(
  file: string,
  option: string | boolean | undefined,
  allowed: readonly F[],
): F {
  if (typeof option === 'string') {
    const named = allowed.find((format) => format === option)
    if (named !== undefined) return named
    throw usage(
      `there is no format "${option}" here`,
      didYouMean(option, allowed) ?? `Formats: ${allowed.join(', ')}.`,
    )
  }
  const ending = extname(file).toLowerCase()
  const found = allowed.find((format) => (ENDINGS[format] as readonly string[]).includes(ending))
  if (found !== undefined) return found
  throw usage(`the name ${file} does not say what format it is`, `Say it by --format: ${allowed.join(', ')}.`)
}

/** The table that a file is named after. */
export function tableOf(file: string): string {
  const name = file === '-' ? 'data' : basename(file, extname(file))
  return name.replace(/[^\p{L}\p{N}_]+/gu, '_')
}
