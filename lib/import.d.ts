/** SQLite files that become databases. */
import type { SnapshotOf } from './snapshot.js';
import type { ImportInfo, ImportOptions, ImportSource } from './types.js';
/** Imports a file into a database of a storage; nothing of it stays if that fails. */
export declare function importFile({ storage, namespace, actor }: SnapshotOf, from: ImportSource, options: ImportOptions, signal: AbortSignal): Promise<ImportInfo>;
