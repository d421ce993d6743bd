/**
 * The module `node:sqlite` over the databases of actors.
 *
 * @module
 */

import { constants } from './constants.js'
import { backup, DatabaseSync } from './database.js'
import { Session } from './session.js'
import { StatementSync } from './statement.js'

export { constants } from './constants.js'
export { backup, DatabaseSync } from './database.js'
export { Session } from './session.js'
export { StatementSync } from './statement.js'
export type {
  AggregateOptions,
  ApplyChangesetOptions,
  Authorizer,
  BackupOptions,
  CreateSessionOptions,
  DatabaseLimits,
  DatabaseSyncOptions,
  DeserializeOptions,
  FunctionOptions,
  PrepareOptions,
  SQLInputValue,
  SQLNamedValues,
  SQLOutputValue,
  SQLRow,
  SQLTagStore,
  StatementColumnMetadata,
  StatementResultingChanges,
  StatementStatistic,
} from './types.js'

export default { DatabaseSync, StatementSync, Session, backup, constants }
