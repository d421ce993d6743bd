/** The client class: knex's own for SQLite, with another driver behind it. */
import type { Knex } from 'knex';
import type { ActorSqliteConnectionConfig } from './config.js';
/**
 * Knex's client for SQLite over one actor's database:
 * `knex({ client: ActorSqlite, connection: { database }, useNullAsDefault: true })`.
 */
export declare const ActorSqlite: typeof Knex.Client;
/** A configuration for `knex()`: this client, a connection, and what else knex is to be told. */
export declare function knexConfig(connection: ActorSqliteConnectionConfig, config?: Knex.Config): Knex.Config;
