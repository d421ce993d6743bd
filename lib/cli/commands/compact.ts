/** `compact`: gives back the room that a database does not need. */

import type { Database } from '../../database.js'
import { openStorage, type Storage } from '../../storage.js'
import { chosenActors, nameLine } from '../actors.js'
import type { Command, Context } from '../command.js'
import { amount, Progress } from '../progress.js'
import { withStorage } from '../stores.js'

/** How many databases are worked on before the store is waited for. */
const TOGETHER = 64

/** The store folds the commits of a database that nobody has open if they are so many. */
const FOLDED_FROM = 8

const POLL_MS = 100
/** So long nothing may change before the store is not waited for any more. */
const PATIENCE_MS = 12_000

/** What came of one database. */
interface Compacted {
  readonly actor: string
  readonly before: number
  after: number
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits until the commits of some databases are folded, or nothing comes of waiting. */
async function folded(context: Context, storage: Storage, actors: readonly string[]): Promise<void> {
  let left = Number.POSITIVE_INFINITY
  for (let idle = 0; idle < PATIENCE_MS; idle += POLL_MS) {
    context.signal.throwIfAborted()
    const stats = await Promise.all(actors.map((actor) => storage.stat(actor)))
    const counts = stats.map((stat) => stat?.deltaCount ?? 0).filter((count) => count >= FOLDED_FROM)
    const deltas = counts.reduce((sum, count) => sum + count, 0)
    if (deltas === 0) return
    if (deltas < left) idle = 0
    left = deltas
    await pause(POLL_MS)
  }
}

/** Rewrites a database without its free pages, if it has any. */
async function vacuum(context: Context, db: Database): Promise<void> {
  const target = db.with({ signal: context.signal })
  if (((await target.pluck<number>('PRAGMA freelist_count')) ?? 0) === 0) return
  await target.exec('VACUUM')
  // The pages of before stay in the store until the commits are folded, which are too few for that by
  // themselves. Two changes of this number leave it as it was.
  const version = (await target.pluck<number>('PRAGMA user_version')) ?? 0
  for (let made = 0; made < FOLDED_FROM; made += 2) {
    await db.exec(`PRAGMA user_version = ${version ^ 1}`)
    await db.exec(`PRAGMA user_version = ${version}`)
  }
}

/** Works on some databases, and waits for the store to follow. */
async function compactSome(
  context: Context,
  storage: Storage,
  actors: readonly string[],
): Promise<Compacted[]> {
  const results: Compacted[] = []
  for (const actor of actors) {
    const before = (await storage.stat(actor))?.storedBytes ?? 0
    const db = await storage.open(actor, { create: false, idleTimeoutMs: 0 })
    try {
      await vacuum(context, db)
    } finally {
      await db.close()
    }
    results.push({ actor, before, after: before })
  }
  await folded(context, storage, actors)
  for (const result of results) result.after = (await storage.stat(result.actor))?.storedBytes ?? 0
  return results
}

function report({ out, json, namespace = '' }: Context, { actor, before, after }: Compacted): void {
  if (json) out.line(JSON.stringify({ actor, namespace, before, after }))
  else out.line(`${nameLine(actor)}: ${amount(before, 'B')} before, ${amount(after, 'B')} after`)
}

async function compactAll(context: Context, storage: Storage): Promise<void> {
  const progress = new Progress('compacting', 'actors', context.quiet)
  let done = 0
  let batch: string[] = []
  const flush = async (): Promise<void> => {
    const results = await compactSome(context, storage, batch)
    progress.end()
    for (const result of results) report(context, result)
    done += batch.length
    batch = []
    progress.update(done)
  }
  try {
    for await (const actor of chosenActors(context, storage)) {
      batch.push(actor)
      if (batch.length === TOGETHER) await flush()
    }
    if (batch.length > 0) await flush()
  } finally {
    progress.end()
  }
}

export const compact: Command = {
  name: 'compact',
  usage: '[actor]',
  summary: 'give back the room that databases do not need',
  details: `Runs VACUUM if a database has free pages, and waits until the store has folded its commits and let go of
its old states. Without an actor, all of the namespace. With --json: one object an
actor and line, with bytes stored "before" and "after".`,
  options: {},
  examples: ['actor-sqlite compact room-42', 'actor-sqlite compact --namespace rooms --json'],
  arity: [0, 1],
  async run(context) {
    const options = { scrubBytesPerSecond: 0, retention: { commits: 0, ageMs: 0, bytes: 0 } }
    const open = (): Promise<Storage> =>
      openStorage({ ...options, store: context.store, namespace: context.namespace })
    await withStorage(context, (storage) => compactAll(context, storage), false, open)
    return undefined
  },
}
