/** Options of the constructor. */
import type { Storage } from '../storage.js';
import type { Durability } from '../types.js';
/** Those of better-sqlite3, and where the database is kept. */
export interface Options {
    /** Refuse writes; the database must be there. Default: `false`. */
    readonly readonly?: boolean;
    /** Do not make a database that is not there. Default: `false`. */
    readonly fileMustExist?: boolean;
    /** Checked and of no effect: a database has one owner, and nobody to wait for. */
    readonly timeout?: number;
    /** Called with the text of each statement before it runs. */
    readonly verbose?: ((sql: string) => unknown) | null;
    /** Checked and of no effect. */
    readonly nativeBinding?: string | object | null;
    /**
     * The store to keep the database in, whose name is then the actor's. Default: the environment's
     * `ACTOR_SQLITE_STORE`; without that the directory `.actor-sqlite` beside the named file.
     */
    readonly store?: string | Storage;
    /** The namespace of the actor. Default: the storage's, else the empty one. */
    readonly namespace?: string;
    /** Default: the storage's, else `'strict'`. */
    readonly durability?: Durability;
}
/** Options that were checked. */
export interface Checked {
    readonly readonly: boolean;
    readonly fileMustExist: boolean;
    readonly verbose: ((sql: string) => unknown) | undefined;
    readonly store: string | Storage | undefined;
    readonly rest: Pick<Options, 'namespace' | 'durability'>;
}
/** Checks options as better-sqlite3 does. */
export declare function checked(given: unknown, inMemory: boolean): Checked;
