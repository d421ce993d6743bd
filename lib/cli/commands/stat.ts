/** `stat`: what a store knows of an actor. */

import type { Command } from '../command.js'
import { CliError, Exit } from '../failure.js'
import { withStorage, words } from '../stores.js'

export const stat: Command = {
  name: 'stat',
  usage: '<actor>',
  summary: 'print what the store knows of an actor',
  details: 'Nothing is opened or changed. With --json: one object, fields as storage.stat() has them.',
  options: {},
  examples: ['actor-sqlite stat room-42', 'actor-sqlite stat room-42 --json | jq .storedBytes'],
  arity: [1, 1],
  async run(context) {
    const [actor = ''] = words(context, 'actor')
    const found = await withStorage(context, (storage) => storage.stat(actor))
    if (found === undefined) throw new CliError(`there is no actor ${actor}`, Exit.notFound)
    if (context.json) {
      context.out.line(JSON.stringify({ actor, namespace: context.namespace ?? '', ...found }))
      return undefined
    }
    const facts: [string, string | number][] = [
      ['actor', actor],
      ['pages', found.pages],
      ['page size', found.pageSize],
      ['database', `${found.pages * found.pageSize} bytes`],
      ['stored', `${found.storedBytes} bytes`],
      ['commits', found.txid],
      ['not yet folded', found.deltaCount],
      ['generation', found.generation],
      ['last commit', found.committedAtMs === 0 ? 'never' : new Date(found.committedAtMs).toISOString()],
    ]
    for (const [name, value] of facts) context.out.line(`${name.padEnd(16)}${value}`)
    return undefined
  },
}
