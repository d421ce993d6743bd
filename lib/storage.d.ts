/** Stores of many databases. */
import type { StorageMetrics } from '../native.cjs';
import { Database } from './database.js';
import type { Damage, DatabaseOptions, DatabaseStat, ExportDestination, ExportInfo, ImportInfo, ImportOptions, ImportSource, ListOptions, NamespaceOptions, StorageExportOptions, StorageOptions, VerifyReport } from './types.js';
/** A store that is open. All of a process that name one directory share one instance. */
export declare class Storage {
    #private;
    /** The directory. */
    readonly path: string;
    /** Opens an actor's database, and fences whoever had it open. */
    open(actor: string, options?: DatabaseOptions): Promise<Database>;
    /** Counters of the store, for all its databases, as they stand now. Can be read after `close()`. */
    get metrics(): StorageMetrics;
    /**
     * The names of the actors of a namespace that have a database, in the order of their bytes of UTF-8, page
     * by page: `for await (const names of storage.list({ prefix: 'room-' })) …`. An actor that is there all
     * the time is listed once; one that comes or goes meanwhile may be.
     */
    list(options?: ListOptions): AsyncGenerator<string[], void, undefined>;
    /** One page of `list`. The next one comes `after` its last name; one with fewer than `limit` is the last. */
    listPage(options?: ListOptions): Promise<string[]>;
    /** Whether an actor has a database. */
    exists(actor: string, options?: NamespaceOptions): Promise<boolean>;
    /**
     * Deletes an actor's database with all its history, whoever has it open, and says whether there was one.
     * Its handles get `ERR_FENCED`, and none of them can bring anything of it back, nor write to a later
     * database of the same name. Once this has answered, the deletion is on disk.
     */
    delete(actor: string, options?: NamespaceOptions): Promise<boolean>;
    /** What the store knows of a database, without opening it; `undefined` if there is none. */
    stat(actor: string, options?: NamespaceOptions): Promise<DatabaseStat | undefined>;
    /**
     * Reads every row of a database and checks every checksum, without opening it and while others may
     * write to it. Damage is in the report, and not an error.
     */
    verify(actor: string, options?: NamespaceOptions): Promise<VerifyReport>;
    /**
     * Writes the newest committed state of a database to a file, or a stream, that any SQLite opens,
     * without opening it and while others may write to it.
     */
    export(actor: string, to: ExportDestination, options?: StorageExportOptions): Promise<ExportInfo>;
    /**
     * Makes a database of a SQLite file: checked by SQLite, and in one commit. Whoever has the database
     * open is fenced.
     */
    import(actor: string, from: ImportSource, options?: ImportOptions): Promise<ImportInfo>;
    /** What all databases of a namespace store together, in bytes. 0 for the empty one, which is not counted. */
    namespaceUsage(namespace: string): Promise<number>;
    /**
     * Limits what all databases of a namespace may store together, until this storage's process ends;
     * `null` for no limit. The empty namespace has none.
     */
    setNamespaceQuota(namespace: string, bytes: number | null): void;
    /** The damaged rows that were found in the background, oldest first; the last 1000 at most. */
    damage(): Damage[];
    /** Closes its databases, and lets the store go. */
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}
/** Opens a store. */
export declare function openStorage(options: StorageOptions): Promise<Storage>;
/** How `openDatabase` opens: the options of a database, and its store. */
export interface OpenOptions extends DatabaseOptions {
    /** The directory of the store, made if it is missing; or a storage that is open. */
    readonly store: string | Storage;
}
/** Opens an actor's database, and its store if that is not open yet. */
export declare function openDatabase(actor: string, options: OpenOptions): Promise<Database>;
