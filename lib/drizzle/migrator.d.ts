/**
 * Migrations as drizzle-kit writes them.
 *
 * @module
 */
import { type MigrationMeta } from 'drizzle-orm/migrator';
import { DatabaseSync } from '../sync/database.js';
import type { ActorDatabase } from './driver.js';
import type { ActorDatabaseSync } from './driver-sync.js';
/** `meta/_journal.json` of a folder. */
export interface Journal {
    readonly entries: readonly {
        readonly idx: number;
        readonly when: number;
        readonly tag: string;
        readonly breakpoints: boolean;
    }[];
}
/**
 * The migrations: a folder that drizzle-kit has made; what it makes for bundlers, the `journal` and
 * the texts by `m0000`; or a list that `readMigrationFiles` of drizzle-orm has read once for all actors.
 */
export type MigrateConfig = {
    /** The table that has what was applied. Default: `__drizzle_migrations`. */
    readonly migrationsTable?: string;
} & ({
    readonly migrationsFolder: string;
} | {
    readonly journal: Journal;
    readonly migrations: Readonly<Record<string, string>>;
} | {
    readonly migrations: readonly MigrationMeta[];
});
/**
 * Applies the migrations that were not applied yet: all of them, or none. Others wait meanwhile, and
 * foreign keys are not enforced, so that tables can be rebuilt. With nothing to do it only reads. Of a
 * synchronous database it returns when it is done.
 */
export declare function migrate<Schema extends Record<string, unknown>>(db: ActorDatabaseSync<Schema> & {
    $client: DatabaseSync;
}, config: MigrateConfig): void;
export declare function migrate<Schema extends Record<string, unknown>>(db: ActorDatabase<Schema> & {
    $client: unknown;
}, config: MigrateConfig): Promise<void>;
