/** One committed state of a database, page by page. */
import { Failure } from './errors.js';
/** Whose snapshot. */
export interface SnapshotOf {
    /** The handle of the storage. */
    readonly storage: number;
    readonly namespace: string;
    readonly actor: string;
}
/** A state that stays as it is until `close()`, whatever is committed meanwhile. */
export declare class Snapshot {
    #private;
    /** The size in pages. */
    readonly pages: number;
    /** Bytes a page. */
    readonly pageSize: number;
    private constructor();
    /** Opens the newest committed state, once it is on disk. */
    static open({ storage, namespace, actor }: SnapshotOf): Promise<Snapshot>;
    /** The size of the file, in bytes. */
    get bytes(): number;
    /** Reads pages, which `take` then gives out; their number of bytes. Never rejects. */
    read(first: number, count: number): Promise<number | Failure>;
    /** Copies what was read last. */
    take(into: Uint8Array): void;
    /** Lets the state go. */
    close(): Promise<void>;
}
