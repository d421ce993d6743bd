/** Values as literals: of SQL, JSON and CSV. They take and give byte strings. */

import type { SqlValue } from '../../types.js'
import { isKeyword } from '../sql/keywords.js'
import { bytesOf, bytesOfBlob, wholeBlob } from './bytes.js'
import { realExact, realText } from './float.js'

/** The text of a value, as `CAST (… AS TEXT)` has it; `undefined` for NULL. */
export function textOf(value: SqlValue): string | undefined {
  switch (typeof value) {
    case 'string':
      return bytesOf(value)
    case 'bigint':
      return value.toString()
    case 'number':
      return realText(value)
    default:
      return value === null ? undefined : bytesOfBlob(value)
  }
}

/** A name in SQL, quoted where that is needed. */
export function nameOf(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !isKeyword(name) ? name : `"${name.replaceAll('"', '""')}"`
}

const single = (text: string): string => `'${text.replaceAll("'", "''")}'`

const hex = (blob: Uint8Array): string => `X'${Buffer.from(wholeBlob(blob), 'latin1').toString('hex')}'`

/** A text of the shape of `stem` that another does not contain. */
function unused(text: string, stem: string, other: string): string {
  if (!text.includes(stem)) return stem
  if (!text.includes(other)) return other
  let count = 0
  while (text.includes(`(${stem}${count})`)) count += 1
  return `(${stem}${count})`
}

/** A text literal on one line: ends of lines are put in by `replace()`. */
function singleLine(text: string): string {
  const newline = text.includes('\n') ? unused(text, '\\n', '\\012') : undefined
  const carriage = text.includes('\r') ? unused(text, '\\r', '\\015') : undefined
  let literal = single(text)
  if (carriage !== undefined) {
    literal = `replace(${literal.replaceAll('\r', carriage)},'${carriage}',char(13))`
  }
  if (newline === undefined) return literal
  return `replace(${literal.replaceAll('\n', newline)},'${newline}',char(10))`
}

/** A value as an SQL literal. */
export function sqlLiteral(value: SqlValue): string {
  switch (typeof value) {
    case 'string':
      return single(bytesOf(value))
    case 'bigint':
      return value.toString()
    case 'number':
      return realExact(value, 'Inf')
    default:
      return value === null ? 'NULL' : hex(value)
  }
}

/** A REAL as an SQL literal: whole ones without the noise of the last digits. */
function realLiteral(value: number): string {
  const whole = Number.isInteger(value) && Math.abs(value) < 2 ** 63
  return whole ? `${BigInt(value)}.0` : realExact(value, '1e999')
}

/** A value as an SQL literal that has no line breaks, and is read back exactly. */
export function sqlOneLine(value: SqlValue): string {
  if (typeof value === 'string') return singleLine(bytesOf(value))
  return typeof value === 'number' ? realLiteral(value) : sqlLiteral(value)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** A text as a JSON string. */
export function jsonString(text: string): string {
  const escaped = text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON has to escape.
    /["\\\x00-\x1f]/g,
    (character) => ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `"${escaped}"`
}

/** A value in JSON. The bytes of a blob stand for characters. */
export function jsonValue(value: SqlValue): string {
  switch (typeof value) {
    case 'string':
      return jsonString(bytesOf(value))
    case 'bigint':
      return value.toString()
    case 'number':
      return realExact(value, '1e999')
    default:
      return value === null ? 'null' : jsonString(wholeBlob(value))
  }
}

/** A field of CSV, quoted if it is empty or holds anything but plain characters. */
export function csvField(text: string, separator: string): string {
  if (text !== '' && /^[!#-&(-~]*$/.test(text) && !text.includes(separator)) return text
  return `"${text.replaceAll('"', '""')}"`
}
