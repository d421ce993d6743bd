/** `delete`: an actor and its database. */

import { createInterface } from 'node:readline/promises'
import { noActor } from '../actors.js'
import type { Command, Context } from '../command.js'
import { CliError, Exit, usage } from '../failure.js'
import { withStorage, words } from '../stores.js'

/** Asks on a terminal; elsewhere --yes has to be said. */
async function confirm(context: Context, actor: string): Promise<void> {
  if (context.options['yes'] === true) return
  if (process.stdin.isTTY !== true) throw usage('delete asks first: say --yes where nobody can answer')
  const rl = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await rl.question(`Delete ${actor} for ever? [y/N] `, { signal: context.signal })
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('nothing was deleted', Exit.failed)
  } finally {
    rl.close()
  }
}

export const deleteCommand: Command = {
  name: 'delete',
  usage: '<actor>',
  summary: 'delete an actor with all that it has',
  details: `There is no way back. Asks first, unless --yes is given. Code 3 if there is no such actor; with
--if-exists that is no failure. With --json: {"actor", "deleted"}.`,
  options: {
    yes: { type: 'boolean', short: 'y', help: 'do not ask' },
    'if-exists': { type: 'boolean', help: 'an actor that is not there is no failure' },
  },
  examples: ['actor-sqlite delete room-42', 'actor-sqlite delete room-42 --yes --if-exists'],
  arity: [1, 1],
  async run(context) {
    const [actor = ''] = words(context, 'actor')
    await withStorage(context, async (storage) => {
      const there = await storage.exists(actor)
      if (!there && context.options['if-exists'] !== true) throw noActor(context, actor)
      if (there) await confirm(context, actor)
      const deleted = there && (await storage.delete(actor))
      if (context.json)
        context.out.line(JSON.stringify({ actor, namespace: context.namespace ?? '', deleted }))
      else context.note(deleted ? `deleted ${actor}` : `there was no actor ${actor}`)
    })
    return undefined
  },
}
