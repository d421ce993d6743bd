/** Databases as the bytes of their files. */
import { type Checked } from './open.js';
import { type NodeState } from './state.js';
import type { DeserializeOptions } from './types.js';
/** The bytes of a schema's database. */
export declare function serialize(state: NodeState, dbName: unknown): Uint8Array;
/** Replaces the database by that of an image. */
export declare function deserialize(state: NodeState, image: unknown, options: DeserializeOptions | undefined): void;
/** What a backup begins with. */
export interface Source {
    readonly state: NodeState;
    readonly options: Checked;
}
/** Checks a backup's arguments, and begins it. */
export declare function beginBackup(source: Source, path: unknown, ...given: readonly unknown[]): Promise<number>;
