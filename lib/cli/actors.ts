/** The actors of a store, one after another. */

import type { Storage } from '../storage.js'
import type { DatabaseStat } from '../types.js'
import type { Context } from './command.js'
import { CliError, Exit } from './failure.js'

/** The failure of a command whose actor is not there. */
export function noActor(context: Context, actor: string): CliError {
  const { namespace } = context
  const where = namespace === undefined ? '' : ` in the namespace ${namespace}`
  return new CliError(`there is no actor ${actor}${where}`, Exit.notFound)
}

/** The actor that a command names, or all of the namespace. */
export async function* chosenActors(context: Context, storage: Storage): AsyncGenerator<string> {
  const [actor] = context.args
  if (actor !== undefined) {
    if ((await storage.stat(actor)) === undefined) throw noActor(context, actor)
    yield actor
    return
  }
  for await (const names of storage.list()) {
    context.signal.throwIfAborted()
    yield* names
  }
}

/** Actors with what the store knows of each, many looked up at a time. */
export async function* withStats(
  storage: Storage,
  pages: AsyncIterable<readonly string[]>,
): AsyncGenerator<[string, DatabaseStat]> {
  for await (const names of pages) {
    const stats = await Promise.all(names.map((name) => storage.stat(name)))
    for (const [index, stat] of stats.entries()) {
      // One that was deleted meanwhile is not there any more.
      if (stat !== undefined) yield [names[index] ?? '', stat]
    }
  }
}

/** A name on a line of its own: quoted as in JSON if it would not stay on it. */
export function nameLine(name: string): string {
  return /[\p{Cc}]/u.test(name) ? JSON.stringify(name) : name
}
