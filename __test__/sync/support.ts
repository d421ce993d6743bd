/** Synchronous databases for tests. */

import { afterAll } from 'vitest'
import { type DatabaseSync, type OpenSyncOptions, openDatabaseSync, openStorage } from '../../index.js'
import { temporaryDirectory } from '../support.js'

const storage = await openStorage({ store: temporaryDirectory() })
afterAll(() => storage.close())

let actors = 0

/** A new actor's database, closed with the file's store. */
export function newSync(options: Omit<OpenSyncOptions, 'store'> = {}): DatabaseSync {
  actors += 1
  return openDatabaseSync(`sync-${actors}`, { store: storage, ...options })
}

/** What a call throws. */
export function thrown(call: () => unknown): Error & { code?: string } {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  throw new Error('the call did not throw')
}

export { storage }
