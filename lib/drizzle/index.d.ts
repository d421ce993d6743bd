/**
 * A driver of drizzle-orm for the database of one actor.
 *
 * @module
 */
export { ActorDatabase, type Client, drizzle } from './driver.js';
export { ActorTransaction } from './session.js';
