/** Dot commands that change how the shell works. */

import { usage } from '../failure.js'
import { didYouMean } from '../nearest.js'
import { isMode, MODES, type Settings, settingsFor } from '../render/index.js'
import { type DotCommand, needed } from './dot-command.js'
import type { Shell } from './shell.js'
import { unescaped } from './words.js'

/** Where cells of modes with columns are broken unless the mode is set with another width. */
const WRAP = 60

/** A word as a switch. */
function onOff(word: string): boolean {
  if (/^(on|yes|true|1)$/i.test(word)) return true
  if (/^(off|no|false|0)$/i.test(word)) return false
  throw usage(`${word} is neither on nor off`)
}

function toggle(name: 'timer' | 'changes' | 'echo' | 'bail', help: string): DotCommand {
  return {
    name,
    usage: 'on|off',
    help,
    run(shell, args) {
      shell[name] = onOff(needed(args, 0, 'word on or off'))
    },
  }
}

/** The settings after `.mode name`: as the sqlite3 shell sets them. */
export function withMode(before: Settings, name: string, table: string | undefined): Settings {
  if (!isMode(name)) {
    throw usage(`there is no mode ${name}`, didYouMean(name, MODES) ?? `There are ${MODES.join(', ')}.`)
  }
  return {
    ...settingsFor(name),
    headers: before.headers || name === 'column',
    nullValue: before.nullValue,
    rowSeparator: undefined,
    wrap: WRAP,
    table: table ?? 'table',
  }
}

function mode(shell: Shell, args: readonly string[]): void {
  const [name, table] = args.filter((word, index) => !word.startsWith('--') && args[index - 1] !== '--wrap')
  if (name === undefined) {
    shell.out.line(`current output mode: ${shell.settings.mode}`)
    return
  }
  const settings = withMode(shell.settings, name, table)
  const at = args.indexOf('--wrap')
  if (at >= 0) {
    const width = needed(args, at + 1, 'width of --wrap')
    if (!/^\d+$/.test(width)) throw usage(`${width} is no width`)
    settings.wrap = Number(width)
  }
  shell.settings = settings
}

function show({ settings, plans, timer, changes, echo, bail, out }: Shell): void {
  const word = (on: boolean): string => (on ? 'on' : 'off')
  const facts: [string, string][] = [
    ['mode', settings.mode],
    ['headers', word(settings.headers)],
    ['nullvalue', JSON.stringify(settings.nullValue)],
    ['separator', JSON.stringify(settings.separator ?? 'of the mode')],
    ['explain', word(plans)],
    ['timer', word(timer)],
    ['changes', word(changes)],
    ['echo', word(echo)],
    ['bail', word(bail)],
  ]
  for (const [name, value] of facts) out.line(`${name.padStart(12)}: ${value}`)
}

export const settingCommands: readonly DotCommand[] = [
  { name: 'mode', usage: 'mode [table] [--wrap n]', help: `print results as ${MODES.join(', ')}`, run: mode },
  {
    name: 'headers',
    usage: 'on|off',
    help: 'print names of columns',
    run(shell, args) {
      shell.settings.headers = onOff(needed(args, 0, 'word on or off'))
    },
  },
  {
    name: 'nullvalue',
    usage: 'text',
    help: 'print a text for NULL',
    run(shell, args) {
      shell.settings.nullValue = needed(args, 0, 'text')
    },
  },
  {
    name: 'separator',
    usage: 'column [row]',
    help: 'print texts between columns and behind rows',
    run(shell, args) {
      shell.settings.separator = unescaped(needed(args, 0, 'separator'))
      if (args[1] !== undefined) shell.settings.rowSeparator = unescaped(args[1])
    },
  },
  {
    name: 'explain',
    usage: 'on|off|auto',
    help: 'draw what EXPLAIN and EXPLAIN QUERY PLAN return',
    run(shell, [word = 'on']) {
      shell.plans = word === 'auto' || onOff(word)
    },
  },
  toggle('timer', 'print how long each statement took'),
  toggle('changes', 'print how many rows each statement changed'),
  toggle('echo', 'print statements before they run'),
  toggle('bail', 'end a script at its first error (on, unless told otherwise)'),
  { name: 'show', usage: '', help: 'print the settings', run: show },
]
