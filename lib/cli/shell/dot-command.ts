/** What a dot command is. */

import { usage } from '../failure.js'
import type { Shell } from './shell.js'

/** A dot command. */
export interface DotCommand {
  readonly name: string
  readonly usage: string
  readonly help: string
  run(shell: Shell, args: readonly string[]): Promise<void> | void
}

/** The argument of a dot command that needs one. */
export function needed(args: readonly string[], index: number, what: string): string {
  const word = args[index]
  if (word === undefined) throw usage(`the ${what} is missing`)
  return word
}
