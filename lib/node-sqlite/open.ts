/** Opening a database as its options say. */

import { connectionHandle } from '../connection.js'
import { StorageError } from '../errors.js'
import { native } from '../native.js'
import { Storage } from '../storage.js'
import { type Opening, openMemory, openSync } from '../sync/open.js'
import { placeOf } from '../sync/place.js'
import { Mode } from '../sync/state.js'
import type { Durability } from '../types.js'
import { invalidArgType, sqliteCodeError, sqliteError } from './errors.js'
import { limitsOption, setLimits } from './limits.js'
import { booleanOption, integerOption, optionsObject, stringOption } from './options.js'
import type { Location } from './place.js'
import { calling, NodeState, type StatementDefaults } from './state.js'
import type { DatabaseLimits, DatabaseSyncOptions } from './types.js'

const SQLITE_CANTOPEN = 14
const DEFENSIVE = 0
const DOUBLE_QUOTED_STRINGS = 1

/** Options that were checked. */
export interface Checked {
  readonly open: boolean
  readonly readOnly: boolean
  readonly foreignKeys: boolean
  readonly doubleQuotedStrings: boolean
  readonly defensive: boolean
  readonly limits: Partial<DatabaseLimits>
  readonly defaults: StatementDefaults
  readonly store: string | Storage | undefined
  readonly namespace: string | undefined
  readonly durability: Durability | undefined
}

/** Checks the options of the constructor. */
export function checked(given: DatabaseSyncOptions | undefined, isGiven: boolean): Checked {
  const options = isGiven ? optionsObject(given) : {}
  const open = booleanOption(options, 'open', true)
  const readOnly = booleanOption(options, 'readOnly', false)
  const foreignKeys = booleanOption(options, 'enableForeignKeyConstraints', true)
  const doubleQuotedStrings = booleanOption(options, 'enableDoubleQuotedStringLiterals', false)
  if (booleanOption(options, 'allowExtension', false)) {
    throw sqliteError('extensions cannot be allowed: no call loads code into the process of a store')
  }
  integerOption(options, 'timeout', 0)
  const readBigInts = booleanOption(options, 'readBigInts', false)
  const returnArrays = booleanOption(options, 'returnArrays', false)
  const allowBareNamedParameters = booleanOption(options, 'allowBareNamedParameters', true)
  const allowUnknownNamedParameters = booleanOption(options, 'allowUnknownNamedParameters', false)
  const defensive = booleanOption(options, 'defensive', true)
  const limits = limitsOption(options['limits'])
  const store = options['store']
  if (store !== undefined && typeof store !== 'string' && !(store instanceof Storage)) {
    throw invalidArgType('The "options.store" argument must be a string or a Storage.')
  }
  return {
    open,
    readOnly,
    foreignKeys,
    doubleQuotedStrings,
    defensive,
    limits,
    defaults: { readBigInts, returnArrays, allowBareNamedParameters, allowUnknownNamedParameters },
    store,
    namespace: stringOption(options, 'namespace', undefined),
    durability: stringOption(options, 'durability', undefined) as Durability | undefined,
  }
}

/** Numbers bind as REAL, and an INTEGER beyond a number's precision is looked at here. */
const OPENING: Opening = {
  dialect: { exact: true },
  mode: Mode.auto,
  safeIntegers: false,
  verbose: undefined,
}

/** Opens it; says as well what its limits can be at most. */
export function openState(location: Location, options: Checked): { state: NodeState; unlimited: number[] } {
  const { foreignKeys, defaults } = options
  const state = new NodeState(location.memory ? openMemory(OPENING) : openActor(location, options), defaults)
  try {
    const { handle } = state
    const configure = (setting: number, on: boolean): unknown =>
      calling(state, () => native.syncConfigure(connectionHandle, handle, setting, on))
    const run = (sql: string): unknown => calling(state, () => native.syncExec(connectionHandle, handle, sql))
    if (!options.defensive) configure(DEFENSIVE, false)
    if (options.doubleQuotedStrings) configure(DOUBLE_QUOTED_STRINGS, true)
    if (location.memory && !foreignKeys) run('PRAGMA foreign_keys = OFF')
    if (location.memory && (options.readOnly || location.readOnly)) run('PRAGMA query_only = ON')
    return { state, unlimited: setLimits(state, options.limits) }
  } catch (error) {
    state.close()
    throw error
  }
}

function openActor(location: Location, options: Checked): ReturnType<typeof openSync> {
  const place = placeOf(location.path, options.store)
  if (place === undefined) throw sqliteCodeError(SQLITE_CANTOPEN)
  const { store, actor } = place
  const { namespace, durability, foreignKeys } = options
  const readonly = options.readOnly || location.readOnly
  const create = !readonly && !location.mustExist
  try {
    return openSync(actor, { store, namespace, durability, readonly, create, foreignKeys }, OPENING)
  } catch (error) {
    if (error instanceof StorageError && error.code === 'ERR_NOT_FOUND')
      throw sqliteCodeError(SQLITE_CANTOPEN)
    throw error
  }
}
