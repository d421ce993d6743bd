/** Which database a client is of, and how it is opened. */

import type { IntMode } from '@libsql/core/api'
import { Database } from '../database.js'
import { describe } from '../encode.js'
import { openDatabase, Storage } from '../storage.js'
import type { DatabaseOptions } from '../types.js'
import { checkActor, checkDatabaseOptions } from '../validate.js'
import { LibsqlError } from './errors.js'

/**
 * How a client is made: of an open `database`, or of an actor's name (`url` or `actor`) and a `store`.
 * The other options are those that a database is opened with.
 */
export interface Config extends Omit<DatabaseOptions, 'integers'> {
  /** `actor:room-42`, percent-encoded; `?store=` and `&namespace=` stand for the options of that name. */
  readonly url?: string
  /** The actor's name, instead of `url`. */
  readonly actor?: string
  /** The directory of the store, or a storage that is open. */
  readonly store?: string | Storage
  /** A database that is open, instead of all others: closing the client leaves it open. */
  readonly database?: Database
  /** What INTEGER values become. Default: `'number'`, and a `RangeError` for those beyond ±(2^53 - 1). */
  readonly intMode?: IntMode
  /**
   * How long a call waits for a transaction that has the database, in milliseconds; then it is
   * `SQLITE_BUSY`. Default: 5000.
   */
  readonly timeout?: number
  /** Has no effect: a database of an actor has one connection. */
  readonly concurrency?: number
}

/** A configuration that was checked. */
export interface Settings {
  readonly intMode: IntMode
  readonly timeoutMs: number
  /** Opens the database, or gives the one that is open. */
  readonly open: () => Promise<Database>
  /** Whether the client closes it. */
  readonly owned: boolean
}

const TIMEOUT_MS = 5000

/** What configures connections to servers and replicas. */
const REMOTE = [
  'authToken',
  'encryptionKey',
  'remoteEncryptionKey',
  'syncUrl',
  'syncInterval',
  'readYourWrites',
  'offline',
  'tls',
  'fetch',
]

/** Checks a configuration. */
export function settingsOf(config: Config): Settings {
  if (typeof config !== 'object' || config === null) {
    throw new TypeError(`Expected client configuration as object, got ${typeof config}`)
  }
  const { url, actor, store, database, intMode = 'number', timeout, concurrency: _, ...rest } = config
  const common = { intMode: checkedIntMode(intMode), timeoutMs: checkedTimeout(timeout) }
  const options = withoutRemote(rest)
  if (database !== undefined) return { ...common, ...ofDatabase(database, { url, actor, store, ...options }) }
  const named = url === undefined ? { actor } : ofUrl(url, actor)
  checkActor(named.actor)
  const name = named.actor
  const from = store ?? named.store
  if (typeof from !== 'string' && !(from instanceof Storage)) {
    throw new TypeError(
      `the option "store" must be the directory of a store or a storage, not ${describe(from)}`,
    )
  }
  const opened = { ...options, namespace: options.namespace ?? named.namespace }
  checkDatabaseOptions(opened)
  return { ...common, owned: true, open: () => openDatabase(name, { ...opened, store: from }) }
}

function ofDatabase(database: Database, others: object): Pick<Settings, 'open' | 'owned'> {
  if (!(database instanceof Database)) {
    throw new TypeError(`the option "database" must be a database, not ${describe(database)}`)
  }
  const other = Object.entries(others).find(([, value]) => value !== undefined)
  if (other !== undefined) {
    throw new TypeError(`the option "${other[0]}" does not go with "database", which is open already`)
  }
  return { owned: false, open: async () => database }
}

/** The options of a database; those that only a remote one has are refused. */
function withoutRemote(options: DatabaseOptions): DatabaseOptions {
  const kept: Record<string, unknown> = { ...options }
  for (const name of REMOTE) {
    if (kept[name] !== undefined) {
      throw new LibsqlError(
        `The option "${name}" is for remote databases and replicas, and this one is neither`,
        'OPTION_NOT_SUPPORTED',
      )
    }
    delete kept[name]
  }
  return kept
}

function checkedIntMode(mode: IntMode): IntMode {
  if (mode === 'number' || mode === 'bigint' || mode === 'string') return mode
  throw new TypeError(
    `Invalid value for intMode, expected "number", "bigint" or "string", got ${JSON.stringify(mode)}`,
  )
}

function checkedTimeout(timeout = TIMEOUT_MS): number {
  if (Number.isInteger(timeout) && timeout >= 0 && timeout < 2 ** 31) return timeout
  throw new TypeError(`the option "timeout" must be a number of milliseconds, not ${describe(timeout)}`)
}

interface Place {
  readonly actor?: string
  readonly store?: string
  readonly namespace?: string
}

function ofUrl(url: string, actor: string | undefined): Place {
  if (actor !== undefined) throw new TypeError('the options "url" and "actor" say the same: give one')
  const parts = /^([a-z][a-z0-9+.-]*):(?:\/\/)?([^?#]*)(?:\?([^#]*))?$/i.exec(url)
  if (parts === null) throw new LibsqlError(`The URL '${url}' is not in a valid format`, 'URL_INVALID')
  const [, scheme = '', path = '', query = ''] = parts
  if (scheme.toLowerCase() !== 'actor') {
    throw new LibsqlError(
      `The client supports only "actor:" URLs, got ${JSON.stringify(`${scheme}:`)}`,
      'URL_SCHEME_NOT_SUPPORTED',
    )
  }
  const place: Record<string, string> = { actor: percentDecoded(path) }
  for (const [name, value] of new URLSearchParams(query)) {
    if (name !== 'store' && name !== 'namespace') {
      throw new LibsqlError(
        `Unsupported URL query parameter ${JSON.stringify(name)}`,
        'URL_PARAM_NOT_SUPPORTED',
      )
    }
    place[name] = value
  }
  return place
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    throw new LibsqlError(
      `URL component has invalid percent encoding: ${error}`,
      'URL_INVALID',
      undefined,
      undefined,
      error as Error,
    )
  }
}
