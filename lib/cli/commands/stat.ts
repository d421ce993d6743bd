/** `stat`: what a store knows of an actor, or of all. */

import type { Storage } from '../../storage.js'
import { noActor, withStats } from '../actors.js'
import type { Command, Context } from '../command.js'
import { withStorage } from '../stores.js'

function print({ out }: Context, facts: readonly (readonly [string, string | number])[]): void {
  for (const [name, value] of facts) out.line(`${name.padEnd(16)}${value}`)
}

const time = (ms: number): string => (ms === 0 ? 'never' : new Date(ms).toISOString())

async function one(context: Context, storage: Storage, actor: string): Promise<void> {
  const { json, out, namespace = '' } = context
  const found = await storage.stat(actor)
  if (found === undefined) throw noActor(context, actor)
  if (json) {
    out.line(JSON.stringify({ actor, namespace, ...found }))
    return
  }
  print(context, [
    ['actor', actor],
    ['pages', found.pages],
    ['page size', found.pageSize],
    ['database', `${found.pages * found.pageSize} bytes`],
    ['stored', `${found.storedBytes} bytes`],
    ['commits', found.txid],
    ['not yet folded', found.deltaCount],
    ['generation', found.generation],
    ['last commit', time(found.committedAtMs)],
  ])
}

async function all(context: Context, storage: Storage): Promise<void> {
  const sums = { actors: 0, pages: 0, databaseBytes: 0, storedBytes: 0, deltaCount: 0, committedAtMs: 0 }
  for await (const [, stat] of withStats(storage, storage.list())) {
    context.signal.throwIfAborted()
    sums.actors += 1
    sums.pages += stat.pages
    sums.databaseBytes += stat.pages * stat.pageSize
    sums.storedBytes += stat.storedBytes
    sums.deltaCount += stat.deltaCount
    sums.committedAtMs = Math.max(sums.committedAtMs, stat.committedAtMs)
  }
  const { json, out, store, namespace = '' } = context
  if (json) {
    out.line(JSON.stringify({ store, namespace, ...sums }))
    return
  }
  print(context, [
    ['store', store],
    ['namespace', namespace === '' ? '(none)' : namespace],
    ['actors', sums.actors],
    ['pages', sums.pages],
    ['databases', `${sums.databaseBytes} bytes`],
    ['stored', `${sums.storedBytes} bytes`],
    ['not yet folded', sums.deltaCount],
    ['last commit', time(sums.committedAtMs)],
  ])
}

export const stat: Command = {
  name: 'stat',
  usage: '[actor]',
  summary: 'print what the store knows of an actor, or of all together',
  details: 'No database is opened. With --json: one object, with the fields of storage.stat() or their sums.',
  options: {},
  examples: [
    'actor-sqlite stat',
    'actor-sqlite stat room-42',
    'actor-sqlite stat room-42 --json | jq .storedBytes',
  ],
  arity: [0, 1],
  async run(context) {
    const [actor] = context.args
    await withStorage(context, (storage) =>
      actor === undefined ? all(context, storage) : one(context, storage, actor),
    )
    return undefined
  },
}
