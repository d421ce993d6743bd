/**
 * A driver of drizzle-orm for the database of one actor, with promises or without.
 *
 * @module
 */

export { ActorDatabase, type Client, drizzle } from './driver.js'
export { ActorDatabaseSync } from './driver-sync.js'
export { ActorTransaction } from './session.js'
export { ActorTransactionSync } from './session-sync.js'
