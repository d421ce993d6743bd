/** Parameters of a query on the command line. */

import type { SqlInput } from '../types.js'
import { usage } from './failure.js'

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/
const INTEGER = /^-?(0|[1-9]\d*)$/

/**
 * A word as a value: `null`, numbers as JSON writes them, `x'00ff'` as a blob, and everything else as
 * text. `text` takes every word as text.
 */
export function parameter(word: string, text: boolean): SqlInput {
  if (text) return word
  if (word === 'null') return null
  if (INTEGER.test(word)) {
    const integer = BigInt(word)
    if (BigInt.asIntN(64, integer) !== integer) throw usage(`${word} is larger than an INTEGER can be`)
    return integer
  }
  if (NUMBER.test(word)) return Number(word)
  const blob = /^x'((?:[0-9a-f]{2})*)'$/i.exec(word)?.[1]
  return blob === undefined ? word : Buffer.from(blob, 'hex')
}
