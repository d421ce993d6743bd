/** Which database a client is of, and how it is opened. */
import type { IntMode } from '@libsql/core/api';
import { Database } from '../database.js';
import { Storage } from '../storage.js';
import type { DatabaseOptions } from '../types.js';
/**
 * How a client is made: of an open `database`, or of an actor's name (`url` or `actor`) and a `store`.
 * The other options are those that a database is opened with.
 */
export interface Config extends Omit<DatabaseOptions, 'integers'> {
    /** `actor:room-42`, percent-encoded; `?store=` and `&namespace=` stand for the options of that name. */
    readonly url?: string;
    /** The actor's name, instead of `url`. */
    readonly actor?: string;
    /** The directory of the store, or a storage that is open. */
    readonly store?: string | Storage;
    /** A database that is open, instead of all others: closing the client leaves it open. */
    readonly database?: Database;
    /** What INTEGER values become. Default: `'number'`, and a `RangeError` for those beyond ±(2^53 - 1). */
    readonly intMode?: IntMode;
    /**
     * How long a call waits for a transaction that has the database, in milliseconds; then it is
     * `SQLITE_BUSY`. Default: 5000.
     */
    readonly timeout?: number;
    /** Has no effect: a database of an actor has one connection. */
    readonly concurrency?: number;
}
/** A configuration that was checked. */
export interface Settings {
    readonly intMode: IntMode;
    readonly timeoutMs: number;
    /** Opens the database, or gives the one that is open. */
    readonly open: () => Promise<Database>;
    /** Whether the client closes it. */
    readonly owned: boolean;
}
/** Checks a configuration. */
export declare function settingsOf(config: Config): Settings;
