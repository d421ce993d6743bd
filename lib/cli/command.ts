/** What a command is, and what it is given. */

import type { ParseArgsConfig } from 'node:util'
import type { Output } from './output.js'
import type { Mode } from './render/index.js'

/** A named option, with what the help says of it. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** What stands for the value in the help. */
  readonly value?: string
  readonly help: string
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

/** Options that every command takes. */
export const GLOBAL_OPTIONS = {
  store: {
    type: 'string',
    short: 's',
    value: 'dir',
    help: 'the store (default: $ACTOR_SQLITE_STORE, or ./data)',
  },
  namespace: { type: 'string', short: 'n', value: 'name', help: 'the namespace of the actor' },
  mode: {
    type: 'string',
    short: 'm',
    value: 'mode',
    help: 'how rows are printed (default: box, or list in a pipe)',
  },
  header: { type: 'boolean', help: 'print names of columns in modes list, csv, insert, quote and tabs' },
  json: { type: 'boolean', help: 'print JSON, and errors as JSON' },
  quiet: { type: 'boolean', short: 'q', help: 'print results and errors only' },
  help: { type: 'boolean', short: 'h', help: 'say how the command is used' },
  version: { type: 'boolean', short: 'V', help: 'print the version' },
} as const satisfies OptionSpecs

/** What options were given, by name. */
export type OptionValues = Readonly<Record<string, string | boolean | undefined>>

/** All that a command works with. */
export interface Context {
  /** The words behind the command. */
  readonly args: readonly string[]
  readonly options: OptionValues
  readonly out: Output
  readonly json: boolean
  readonly quiet: boolean
  /** The store's directory. */
  readonly store: string
  readonly namespace: string | undefined
  /** `--mode`, if it was given. */
  readonly mode: Mode | undefined
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal
  /** A line for people on standard error; not if it is to be quiet. */
  note(text: string): void
}

/** A command. */
export interface Command {
  readonly name: string
  /** What follows its name: `<actor> <sql>`. */
  readonly usage: string
  /** One line. */
  readonly summary: string
  /** Paragraphs for its own help. */
  readonly details?: string
  readonly options: OptionSpecs
  readonly examples: readonly string[]
  /** How many words it takes. */
  readonly arity: readonly [number, number]
  /** Gives the exit code; nothing is success. */
  run(context: Context): Promise<number | undefined>
}

/** The options as `parseArgs` wants them. */
export function parseable(specs: OptionSpecs): NonNullable<ParseArgsConfig['options']> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, { type, short }]) => [
      name,
      short === undefined ? { type } : { type, short },
    ]),
  )
}
