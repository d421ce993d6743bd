/** Databases as SQLite files. */
import { type SnapshotOf } from './snapshot.js';
import { type Transfers } from './transfers.js';
import type { ExportDestination, ExportInfo, ExportOptions, SerializeOptions } from './types.js';
/** Exports one database of a storage. */
export declare class Exporter {
    #private;
    constructor(of: SnapshotOf, transfers: Transfers);
    /** Writes the newest committed state to a file or a stream. */
    export(to: ExportDestination, options: ExportOptions): Promise<ExportInfo>;
    /** The same bytes in memory. */
    serialize({ signal }: SerializeOptions): Promise<Uint8Array>;
}
