/** `help`: all commands, or one. */

import { type Command, GLOBAL_OPTIONS, type OptionSpecs } from '../command.js'
import { usage } from '../failure.js'
import { didYouMean } from '../nearest.js'
import { MODES } from '../render/index.js'

function optionLines(specs: OptionSpecs): string[] {
  return Object.entries(specs).map(([name, { short, value, help }]) => {
    const left = `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`
    return `  ${left.padEnd(26)}  ${help}`
  })
}

/** The help of one command. */
export function commandHelp({ name, usage: words, summary, details, options, examples }: Command): string {
  const lines = [`Usage: actor-sqlite ${name} ${words}`.trimEnd(), '', `${summary}.`]
  if (details !== undefined) lines.push('', details)
  if (Object.keys(options).length > 0) lines.push('', 'Options:', ...optionLines(options))
  lines.push('', 'For all commands:', ...optionLines(GLOBAL_OPTIONS))
  lines.push('', 'Examples:', ...examples.map((example) => `  ${example}`))
  return lines.join('\n')
}

/** The help of the program. */
export function programHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name, usage: words }) => name.length + words.length)) + 1
  const list = commands.map(
    ({ name, usage: words, summary }) => `  ${`${name} ${words}`.padEnd(width)}  ${summary}`,
  )
  return [
    'Usage: actor-sqlite <command> [options]',
    '',
    'SQLite databases of actors, in one store. A store belongs to one process: stop its host first, or work on a copy.',
    '',
    'Commands:',
    ...list,
    '',
    'For all commands:',
    ...optionLines(GLOBAL_OPTIONS),
    '',
    `Modes: ${MODES.join(', ')}.`,
    'Exit codes: 0 done, 1 failed or damaged, 2 usage, 3 not found, 4 the store is in use, 5 SQL, 130 Ctrl-C.',
    '',
    'actor-sqlite help <command> says more, with examples.',
  ].join('\n')
}

/** The command `help`, which knows all others. */
export function helpFor(commands: () => readonly Command[]): Command {
  return {
    name: 'help',
    usage: '[command]',
    summary: 'say how a command is used',
    options: {},
    examples: ['actor-sqlite help import'],
    arity: [0, 1],
    async run({ args, out }) {
      const [name] = args
      const all = commands()
      if (name === undefined) {
        out.line(programHelp(all))
        return undefined
      }
      const command = all.find((candidate) => candidate.name === name)
      const names = all.map((candidate) => candidate.name)
      if (command === undefined) throw usage(`there is no command "${name}"`, didYouMean(name, names))
      out.line(commandHelp(command))
      return undefined
    },
  }
}
