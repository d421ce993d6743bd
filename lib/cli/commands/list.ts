/** `list`: the actors of a store. */

import type { Storage } from '../../storage.js'
import { nameLine, withStats } from '../actors.js'
import type { Command, Context } from '../command.js'
import { usage } from '../failure.js'
import { withStorage } from '../stores.js'

const PAGE = 1000

/** Pages of names, up to a limit. */
async function* pagesOf(context: Context, storage: Storage): AsyncGenerator<string[]> {
  const { after, limit } = context.options
  if (limit !== undefined && !/^\d+$/.test(String(limit))) throw usage(`${limit} is no number of actors`)
  let left = limit === undefined ? Number.POSITIVE_INFINITY : Number(limit)
  const from = typeof after === 'string' ? after : undefined
  if (left === 0) return
  for await (const names of storage.list({
    prefix: context.args[0],
    after: from,
    limit: Math.min(left, PAGE),
  })) {
    context.signal.throwIfAborted()
    yield names.slice(0, left)
    left -= names.length
    if (left <= 0) return
    await context.out.ready()
  }
}

async function printNames(
  { out, json, namespace = '' }: Context,
  pages: AsyncIterable<string[]>,
): Promise<void> {
  for await (const names of pages) {
    for (const actor of names) out.line(json ? JSON.stringify({ actor, namespace }) : nameLine(actor))
  }
}

async function printStats(context: Context, storage: Storage, pages: AsyncIterable<string[]>): Promise<void> {
  const { out, json, namespace = '' } = context
  for await (const [actor, stat] of withStats(storage, pages)) {
    if (json) {
      out.line(JSON.stringify({ actor, namespace, ...stat }))
      continue
    }
    const when = stat.committedAtMs === 0 ? 'never' : new Date(stat.committedAtMs).toISOString()
    const numbers = [stat.storedBytes, stat.pages * stat.pageSize].map((value) => String(value).padStart(14))
    out.line(`${numbers.join('')}  ${when.padEnd(24)}  ${nameLine(actor)}`)
  }
}

export const list: Command = {
  name: 'list',
  usage: '[prefix]',
  summary: 'list actors, in the order of their names',
  details: `A name a line; those with control characters as JSON strings. With --long before each: bytes stored, bytes
of the database, its last commit. With --json: one object an actor and line.`,
  options: {
    long: { type: 'boolean', short: 'l', help: 'say what the store knows of each' },
    after: { type: 'string', value: 'name', help: 'begin behind a name' },
    limit: { type: 'string', value: 'n', help: 'at most so many' },
  },
  examples: [
    'actor-sqlite list',
    'actor-sqlite list room- --long | sort -rn | head',
    'actor-sqlite list --json | jq -r .actor',
  ],
  arity: [0, 1],
  async run(context) {
    await withStorage(context, async (storage) => {
      const pages = pagesOf(context, storage)
      if (context.options['long'] === true) await printStats(context, storage, pages)
      else await printNames(context, pages)
    })
    return undefined
  },
}
