/**
 * A dialect for kysely.
 *
 * @module
 */
export type { ActorSqliteConnection } from './connection.js';
export { ActorSqliteDialect, type ActorSqliteDialectConfig } from './dialect.js';
export { ActorSqliteDriver } from './driver.js';
