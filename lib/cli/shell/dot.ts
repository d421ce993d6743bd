/** The shell's own commands, which begin with a dot. */

import { usage } from '../failure.js'
import { didYouMean } from '../nearest.js'
import type { DotCommand } from './dot-command.js'
import { listings } from './listings.js'
import { settingCommands } from './set.js'
import type { Shell } from './shell.js'
import { transfers } from './transfer.js'
import { wordsOf } from './words.js'

const help: DotCommand = {
  name: 'help',
  usage: '[name]',
  help: 'say what dot commands there are',
  run({ out }, [name]) {
    const chosen = name === undefined ? DOT_COMMANDS : [find(name)]
    for (const command of chosen) {
      out.line(`${`.${command.name} ${command.usage}`.padEnd(34)} ${command.help}`)
    }
  },
}

const quit: DotCommand = {
  name: 'quit',
  usage: '[code]',
  help: 'leave the shell',
  run(shell, [code = '0']) {
    if (!/^\d{1,3}$/.test(code)) throw usage(`${code} is no exit code`)
    shell.over = Number(code)
  },
}

const exit: DotCommand = { ...quit, name: 'exit' }

const byName = (a: DotCommand, b: DotCommand): number => (a.name < b.name ? -1 : 1)

/** All of them, by name. */
export const DOT_COMMANDS: readonly DotCommand[] = [
  ...listings,
  ...settingCommands,
  ...transfers,
  help,
  quit,
  exit,
].sort(byName)

/** A dot command by its name, or by the beginning of it. */
function find(word: string): DotCommand {
  const name = word.replace(/^\./, '')
  const exact = DOT_COMMANDS.find((command) => command.name === name)
  const begun = DOT_COMMANDS.filter((command) => name !== '' && command.name.startsWith(name))
  const [only] = begun
  if (exact !== undefined) return exact
  if (only !== undefined && begun.length === 1) return only
  const hint =
    begun.length > 1
      ? `It may be ${begun.map((command) => `.${command.name}`).join(', ')}.`
      : didYouMean(
          `.${name}`,
          DOT_COMMANDS.map((command) => `.${command.name}`),
        )
  throw usage(`there is no command .${name}`, hint ?? '.help lists them.')
}

/** Runs a line that begins with a dot. */
export async function dotCommand(shell: Shell, line: string): Promise<void> {
  const [name = '', ...args] = wordsOf(line.replace(/;\s*$/, ''))
  await find(name).run(shell, args)
}
