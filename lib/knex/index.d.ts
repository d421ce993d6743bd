/**
 * A client class for knex.
 *
 * @module
 */
export { ActorSqlite, knexConfig } from './client.js';
export type { ActorSqliteConnectionConfig, ActorSqliteConnectionOptions } from './config.js';
