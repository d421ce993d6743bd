/** Reads the command line. */

import { parseArgs } from 'node:util'
import { type Command, GLOBAL_OPTIONS, type OptionSpecs, type OptionValues, parseable } from './command.js'
import { usage } from './failure.js'
import { didYouMean } from './nearest.js'

/** A command line, taken apart. */
export interface CommandLine {
  readonly command: Command | undefined
  readonly args: readonly string[]
  readonly options: OptionValues
}

const NEGATIVE = /^-\.?\d/

/** Finds the command, its words and its options, and refuses what it does not know. */
export function readCommandLine(argv: readonly string[], commands: readonly Command[]): CommandLine {
  const everything = Object.assign(
    {},
    ...commands.map(({ options }) => options),
    GLOBAL_OPTIONS,
  ) as OptionSpecs
  const { tokens } = parseArgs({
    args: [...argv],
    options: parseable(everything),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const words: string[] = []
  const given: { name: string; raw: string; value: string | undefined }[] = []
  let last = -1
  for (const token of tokens) {
    const text = argv[token.index] ?? ''
    if (token.kind === 'positional') words.push(token.value)
    // A number is a value, not a row of options.
    else if (token.kind === 'option' && NEGATIVE.test(text)) {
      if (token.index !== last) words.push(text)
    } else if (token.kind === 'option')
      given.push({ name: token.name, raw: token.rawName, value: token.value })
    last = token.index
  }
  const [name, ...args] = words
  const command = commands.find((candidate) => candidate.name === name)
  if (name !== undefined && command === undefined) {
    const names = commands.map((candidate) => candidate.name)
    const hint = didYouMean(name, names) ?? 'actor-sqlite help lists the commands.'
    throw usage(`there is no command "${name}"`, hint)
  }
  const specs: OptionSpecs = { ...command?.options, ...GLOBAL_OPTIONS }
  const options: Record<string, string | boolean> = {}
  for (const { name: option, raw, value } of given) options[option] = checked(specs, option, raw, value)
  return { command, args, options }
}

function checked(specs: OptionSpecs, name: string, raw: string, value: string | undefined): string | boolean {
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined
  if (spec === undefined) {
    const names = Object.keys(specs).map((known) => `--${known}`)
    throw usage(`there is no option ${raw}`, didYouMean(raw, names))
  }
  if (spec.type === 'boolean') {
    if (value !== undefined) throw usage(`the option ${raw} takes no value`)
    return true
  }
  if (value === undefined) throw usage(`the option ${raw} needs a value: ${raw} <${spec.value ?? name}>`)
  return value
}

/** Refuses too few and too many words. */
export function checkArity({ name, usage: words, arity }: Command, args: readonly string[]): void {
  const [least, most] = arity
  if (args.length >= least && args.length <= most) return
  const many = args.length < least ? 'too few' : 'too many'
  throw usage(`${many} words for ${name}`, `Usage: actor-sqlite ${name} ${words}`.trimEnd())
}
