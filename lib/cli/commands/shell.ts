/** `shell`: an actor's database at a prompt, or a script from standard input. */

import type { Database } from '../../database.js'
import type { Command, Context } from '../command.js'
import { explain } from '../failure.js'
import { type Settings, settingsFor } from '../render/index.js'
import { Terminal } from '../shell/interactive.js'
import { withMode } from '../shell/set.js'
import { Shell } from '../shell/shell.js'
import { fileSource } from '../sources.js'
import { withDatabase, words } from '../stores.js'

function settingsOf({ json, mode, options }: Context, interactive: boolean): Settings {
  if (interactive && mode === undefined && !json) return withMode(settingsFor('box'), 'box', undefined)
  const settings = settingsFor(json ? 'json' : (mode ?? 'list'))
  if (options['header'] === true) settings.headers = true
  return settings
}

async function script(shell: Shell): Promise<number> {
  let failures = 0
  const failed = (error: unknown): boolean => {
    if (shell.bail) return false
    failures += 1
    process.stderr.write(`error: ${explain(error).join('\n')}\n`)
    return true
  }
  await shell.script(await fileSource('-'), failed)
  return shell.over ?? (failures > 0 ? 1 : 0)
}

export const shell: Command = {
  name: 'shell',
  usage: '<actor>',
  summary: 'type SQL at a prompt, or run a script from standard input',
  details: `Statements end with a semicolon and may have many lines; .help lists the commands of the shell. Ctrl-C
interrupts the statement that runs, Ctrl-D leaves. Standard input that is no terminal is a script: it ends at its
first error, unless it says .bail off. With --json rows are printed in mode json: an array for each result with rows.`,
  options: {
    create: { type: 'boolean', help: 'make the actor, and the store, if they do not exist' },
    readonly: { type: 'boolean', help: 'refuse statements that write' },
  },
  examples: [
    'actor-sqlite shell room-42',
    'actor-sqlite shell room-42 --readonly --mode line',
    "printf '.tables\\nSELECT count(*) FROM message;\\n' | actor-sqlite shell room-42",
  ],
  arity: [1, 1],
  async run(context) {
    const [actor = ''] = words(context, 'actor')
    const create = context.options['create'] === true
    const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true
    const work = async (db: Database): Promise<number> => {
      const instance = new Shell(context, db, settingsOf(context, interactive))
      if (!interactive) return await script(instance)
      context.note(`actor-sqlite: ${actor} in ${context.store}. .help lists commands, Ctrl-D leaves.`)
      return await new Terminal(instance).run()
    }
    const readonly = context.options['readonly'] === true
    return await withDatabase(context, actor, work, { create, createStore: create, readonly })
  },
}
