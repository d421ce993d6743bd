/** Where the drop-in classes keep a database of a name. */

import { existsSync, mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Storage } from '../storage.js'

/** Where databases are kept if the options do not say. */
const STORE_VARIABLE = 'ACTOR_SQLITE_STORE'
/** Beside the named file, if nothing else is said. */
const STORE_DIRECTORY = '.actor-sqlite'

/** Which actor of which store a name means; nothing if its directory is not there. */
export function placeOf(
  name: string,
  given: string | Storage | undefined,
): { store: string | Storage; actor: string } | undefined {
  const store = given ?? process.env[STORE_VARIABLE]
  if (store !== undefined && store !== '') return { store, actor: name }
  const directory = dirname(name)
  if (!existsSync(directory)) return undefined
  const beside = join(directory, STORE_DIRECTORY)
  mkdirSync(beside, { recursive: true })
  return { store: beside, actor: basename(name) }
}
