/**
 * A driver adapter for Prisma.
 *
 * @module
 */
export { ActorSqlitePrismaAdapter } from './adapter.js';
export type { ActorSqlitePrismaFactoryOptions } from './factory.js';
export { PrismaActorSqlite } from './factory.js';
