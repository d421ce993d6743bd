/**
 * The interface of @libsql/client over the database of one actor.
 *
 * @module
 */

import { ActorClient } from './client.js'
import type { Config } from './config.js'

export type {
  Client,
  InArgs,
  InStatement,
  IntMode,
  InValue,
  Replicated,
  ResultSet,
  Row,
  Transaction,
  TransactionMode,
  Value,
} from '@libsql/core/api'
export type { ActorClient } from './client.js'
export type { Config } from './config.js'
export { LibsqlBatchError, LibsqlError } from './errors.js'

/** Makes a client. The database is opened by its first call, and an error of it rejects that. */
export function createClient(config: Config): ActorClient {
  return new ActorClient(config)
}
