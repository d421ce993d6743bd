/** Opens stores and databases, and never makes one by accident. */

import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Database } from '../database.js'
import { openStorage, type Storage } from '../storage.js'
import type { DatabaseOptions } from '../types.js'
import type { Context } from './command.js'
import { CliError, Exit, usage } from './failure.js'

/** Whether a directory holds a store: RocksDB names its newest state in this file. */
export function isStore(directory: string): boolean {
  return existsSync(join(directory, 'CURRENT'))
}

/** Opens the store for as long as `work` takes. */
export async function withStorage<T>(
  context: Context,
  work: (storage: Storage) => Promise<T>,
  create = false,
  open = (): Promise<Storage> =>
    // The command is short: whoever runs the store reads it through for damage.
    openStorage({ store: context.store, namespace: context.namespace, scrubBytesPerSecond: 0 }),
): Promise<T> {
  if (!create && !isStore(context.store)) {
    const hint = 'Name one by --store <dir> or the environment variable ACTOR_SQLITE_STORE.'
    throw new CliError(`there is no store at ${resolve(context.store)}`, Exit.notFound, hint)
  }
  const storage = await open()
  try {
    return await work(storage)
  } finally {
    await storage.close()
  }
}

/** Opens an actor's database for as long as `work` takes. It must be there, if it may not be made. */
export async function withDatabase<T>(
  context: Context,
  actor: string,
  work: (db: Database, storage: Storage) => Promise<T>,
  { createStore = false, ...options }: DatabaseOptions & { createStore?: boolean } = {},
): Promise<T> {
  const open = async (storage: Storage): Promise<T> => {
    const db = await storage.open(actor, { create: false, idleTimeoutMs: 0, ...options })
    try {
      return await work(db, storage)
    } finally {
      await db.close()
    }
  }
  return await withStorage(context, open, createStore)
}

/** The words of a command. */
export function words(context: Context, ...names: string[]): string[] {
  return names.map((name, index) => {
    const word = context.args[index]
    if (word === undefined || word === '') throw usage(`the ${name} is missing`)
    return word
  })
}
