/** Databases. */
import type { AggregateOptions, ApplyChangesetOptions, Authorizer, BackupOptions, CreateSessionOptions, DatabaseLimits, DatabaseSyncOptions, DeserializeOptions, FunctionOptions, PrepareOptions, Session, SQLInputValue, SQLTagStore, StatementSync } from './types.js';
declare class DatabaseSyncImpl {
    #private;
    constructor(path: string | Uint8Array | URL, ...options: [options?: DatabaseSyncOptions]);
    /** Whether it is open. */
    get isOpen(): boolean;
    /** Whether a transaction is open. */
    get isTransaction(): boolean;
    /** SQLite's limits, which can be set; `Infinity` puts one back. */
    get limits(): DatabaseLimits;
    /** Opens it, if the options said that it is opened later, or after `close()`. */
    open(): void;
    /** Drops what is not committed and lets the database go, with all its statements. */
    close(): void;
    [Symbol.dispose](): void;
    /** Compiles the first statement of a text. */
    prepare(sql: string, options?: PrepareOptions): StatementSync;
    /** Runs all statements of a text. */
    exec(sql: string): void;
    /** Has SQL call a function of the program's by a name. */
    function(name: string, work: (...values: never[]) => SQLInputValue): void;
    function(name: string, options: FunctionOptions, work: (...values: never[]) => SQLInputValue): void;
    /** Has SQL call an aggregate of the program's by a name. */
    aggregate<T>(name: string, options: AggregateOptions<T>): void;
    /** A store of statements by their templates, of so many at most. */
    createTagStore(maxSize?: number): SQLTagStore;
    /** Its path; `null` where it is in memory, or there is no such schema. */
    location(dbName?: string): string | null;
    /** Begins to record what changes. */
    createSession(options?: CreateSessionOptions): Session;
    /** Makes recorded changes; `false` if it was aborted because something did not fit. */
    applyChangeset(changeset: Uint8Array, options?: ApplyChangesetOptions): boolean;
    /** Has a function asked what each statement may do, or none any more. It may forbid, not allow more. */
    setAuthorizer(callback: Authorizer | null): void;
    /** The bytes of its file, what is not committed among them. */
    serialize(dbName?: string): Uint8Array;
    /** Replaces it by what `serialize()` made; its statements are finalized. */
    deserialize(buffer: Uint8Array, options?: DeserializeOptions): void;
    /** Turns SQLite's defensive mode on or off. */
    enableDefensive(active: boolean): void;
    /** Refused, unless it is to be off. */
    enableLoadExtension(allow: boolean): void;
    /** Refused: no call loads code into the process. */
    loadExtension(_path: string): void;
}
/**
 * Copies a database to where a path leads, in the store of the first one; what is there is replaced. The
 * promise is of the number of pages.
 */
export declare function backup(sourceDb: DatabaseSync, path: string | Uint8Array | URL, ...options: [options?: BackupOptions]): Promise<number>;
/** One actor's database, used by the thread that opened it. */
export interface DatabaseSync extends DatabaseSyncImpl {
}
/** The class of databases. */
export declare const DatabaseSync: {
    new (path: string | Uint8Array | URL, options?: DatabaseSyncOptions): DatabaseSync;
    readonly prototype: DatabaseSync;
};
export {};
