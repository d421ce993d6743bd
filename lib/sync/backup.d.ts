/** Copies of a synchronous database into files, while it goes on. */
import { type SnapshotOf } from '../snapshot.js';
import { Transfers } from '../transfers.js';
import type { ExportProgress } from '../types.js';
import { type SyncState } from './state.js';
/** How `backup` goes on. */
export interface BackupOptionsSync {
    /** The schema to copy: `'main'`, as there is no other. */
    readonly attached?: string;
    /**
     * Called before the first page and after each step. It may answer with the number of pages of the
     * next steps, 100 at first; with 0 nothing is copied until it is asked again, at once. What it throws
     * ends the backup.
     */
    readonly progress?: ((progress: ExportProgress) => number | undefined | void) | null;
}
/** Where the committed states of a database are read. */
export interface BackupOf extends SnapshotOf {
    /** What runs on its storage. */
    readonly transfers: Transfers;
}
/** What is asked for, checked. */
export interface BackupRequest {
    readonly path: string;
    readonly progress: NonNullable<BackupOptionsSync['progress']> | undefined;
}
/** Checks the arguments of `backup` as better-sqlite3 does. */
export declare function backupRequest(to: unknown, given: unknown): BackupRequest;
/** Copies the newest committed state of a database of a store, or the bytes of one in memory. */
export declare function backup(state: SyncState, from: BackupOf | Buffer, request: BackupRequest): Promise<ExportProgress>;
