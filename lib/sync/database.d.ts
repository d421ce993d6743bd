/** Databases whose calls return their results. */
import type { DatabaseMetrics } from '../../native.cjs';
import type { ExportProgress, Row } from '../types.js';
import { type BackupOf, type BackupOptionsSync } from './backup.js';
import { type AggregateOptionsSync, type FunctionOptionsSync } from './functions.js';
import { type SyncState } from './state.js';
import { StatementSync } from './statement.js';
import type { TableDefinitionSync } from './table-definition.js';
import { type TableFactorySync } from './tables.js';
import { type TransactionFn } from './transaction.js';
/** How a pragma's result is shaped. */
export interface PragmaOptionsSync {
    /** The first column of the first row instead of all rows. */
    readonly simple?: boolean;
}
/** What a database takes with it from its opening. */
export interface OpenedSync {
    readonly state: SyncState;
    readonly name: string;
    readonly memory: boolean;
    readonly readonly: boolean;
    /** Where its committed states are read; `undefined` for one in memory. */
    readonly backedUp: BackupOf | undefined;
    /** The class of its statements. Default: `StatementSync`. */
    readonly statements?: typeof StatementSync;
    /** Called once when it is closed. */
    readonly closed: () => void;
}
/** One actor's database, used by the thread that opened it: calls return when they are done. */
export declare class DatabaseSync {
    #private;
    /** The actor's name. */
    get name(): string;
    /** Whether it was not closed. */
    get open(): boolean;
    /** Whether a transaction is open now. */
    get inTransaction(): boolean;
    /** Whether writes are refused. */
    get readonly(): boolean;
    /** Whether it vanishes when it is closed. */
    get memory(): boolean;
    /** Compiles one statement. */
    prepare<T = Row>(sql: string): StatementSync<T>;
    /** Runs all statements of a text; their rows are dropped. */
    exec(sql: string): this;
    /** Runs `PRAGMA source`: its rows, or with `simple` the first column of the first one. */
    pragma(source: string, options?: PragmaOptionsSync): unknown;
    /** The instructions that a statement is compiled to, or with `QUERY PLAN` before it its plan. */
    explain(sql: string): Row[];
    /**
     * Makes a function that runs as one transaction: it commits when the function returns, and rolls
     * back when it throws. Inside a transaction it is a savepoint. The function must not be `async`.
     */
    transaction<F extends (...args: any[]) => unknown>(work: F): TransactionFn<F>;
    /**
     * Registers a function that SQL can call, on this thread and while a statement runs: it must not use
     * this database. What it throws is what the statement throws.
     */
    function(name: string, work: (...values: any[]) => unknown): this;
    function(name: string, options: FunctionOptionsSync, work: (...values: any[]) => unknown): this;
    /** Registers an aggregate, and with `inverse` a window function. */
    aggregate<T>(name: string, options: AggregateOptionsSync<T>): this;
    /**
     * Registers virtual tables, whose rows a generator yields on this thread and while a statement runs: it
     * must not use this database. A definition is one table of that name; a factory makes one for each
     * `CREATE VIRTUAL TABLE … USING name(…)`, and again when a later handle uses that.
     */
    table(name: string, definition: TableDefinitionSync | TableFactorySync): this;
    /** The database as the bytes of a SQLite file. */
    serialize(options?: {
        readonly attached?: string;
    } | null): Buffer;
    /**
     * Copies the newest committed state into a SQLite file, which replaces a database that is there. Calls
     * go on meanwhile; nothing they do is in the copy. The file is there whole or not at all. `close()`
     * ends it. A database in memory is copied in memory first, and not within a transaction.
     */
    backup(destination: string, options?: BackupOptionsSync | null): Promise<ExportProgress>;
    /** INTEGER values of statements that are prepared from now on come out as bigints. */
    defaultSafeIntegers(...on: [on?: boolean]): this;
    /** Allows writing while a result is read, which may then show some rows twice, or not at all. */
    unsafeMode(...on: [on?: boolean]): this;
    /** Refused: no call loads code into the process. */
    loadExtension(path: string): this;
    /** Waits until all that was answered is on disk: the counterpart of `durability: 'gated'`. */
    durable(): this;
    /** Counters since the opening, as they stand now. Can be read after `close()` too. */
    get metrics(): DatabaseMetrics;
    /** Drops what is not committed and lets the database go, with all its statements. */
    close(): this;
    [Symbol.dispose](): void;
}
