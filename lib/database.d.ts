/** Databases. */
import type { DatabaseMetrics } from '../native.cjs';
import type { Exporter } from './export.js';
import { Queryable } from './queryable.js';
import { type Core } from './scope.js';
import { type Transaction } from './transaction.js';
import type { CallOptions, ExportDestination, ExportInfo, ExportOptions, PragmaOptions, Row, SerializeOptions, SqlValue, TransactionOptions } from './types.js';
/** A database's calls under options of their own: see `Database.with`. */
export declare class Scoped extends Queryable {
}
/** What a database takes with it from its opening. */
export interface DatabaseState {
    readonly core: Core;
    readonly readonly: boolean;
    readonly queryTimeoutMs: number;
    readonly transactionTimeoutMs: number;
    readonly exporter: Exporter;
    /** Called once when it is closed. */
    readonly closed: () => Promise<void>;
}
/** One actor's database. */
export declare class Database extends Queryable {
    #private;
    /** The actor's name. */
    get name(): string;
    /** Whether it was not closed. */
    get open(): boolean;
    /** Whether writes are refused. */
    get readonly(): boolean;
    /** Whether a transaction is open now. */
    get inTransaction(): boolean;
    /**
     * Runs a callback as one transaction. Its handle owns the connection: calls on the database wait
     * until it has ended, and from inside the callback they are refused. Commits when the callback
     * succeeds, else rolls back.
     */
    transaction<T>(callback: (tx: Transaction) => Promise<T> | T, options?: TransactionOptions): Promise<T>;
    /** The same calls, each with a time limit or a signal. */
    with(options: CallOptions): Scoped;
    /** Runs `PRAGMA source`: its rows, or with `simple` the first column of the first one. */
    pragma(source: string, options: {
        readonly simple: true;
    }): Promise<SqlValue | undefined>;
    pragma(source: string, options?: {
        readonly simple?: false;
    }): Promise<Row[]>;
    pragma(source: string, options?: PragmaOptions): Promise<SqlValue | undefined | Row[]>;
    /** Interrupts the call that runs now: it rejects with `SQLITE_INTERRUPT`. */
    interrupt(): void;
    /** Waits until all that was answered is on disk: the counterpart of `durability: 'gated'`. */
    durable(): Promise<void>;
    /**
     * Writes the committed state to a file, or a stream, that any SQLite opens: one state, while calls
     * on the database go on. It has all calls made before this one; an open transaction is not in it.
     */
    export(to: ExportDestination, options?: ExportOptions): Promise<ExportInfo>;
    /** The bytes that `export` would write, up to 512 MiB. */
    serialize(options?: SerializeOptions): Promise<Uint8Array>;
    /** Counters since the opening, as they stand now. Can be read after `close()` too. */
    get metrics(): DatabaseMetrics;
    /** Waits for the calls made before, and lets the database go. */
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}
