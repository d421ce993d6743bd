/** What the objects of one synchronous database share, and the rules of who may call when. */
/** How values cross where `openDatabaseSync` and better-sqlite3 differ. */
export interface Dialect {
    /**
     * As better-sqlite3: numbers bind as REAL, booleans do not bind, `undefined` is NULL, and an INTEGER
     * beyond a number's precision is rounded.
     */
    readonly exact: boolean;
}
/** How INTEGER values come out, by the addon's numbers. */
export declare const Mode: {
    readonly number: 0;
    readonly bigint: 1;
    readonly auto: 2;
    readonly rounded: 3;
};
/** A database that is open for synchronous calls. */
export interface SyncState {
    readonly handle: number;
    readonly dialect: Dialect;
    open: boolean;
    /** A call is under way: a function that SQLite calls must not use the database. */
    busy: boolean;
    /** Results that are being read. */
    iterators: number;
    /** Writing while a result is read is allowed. */
    unsafe: boolean;
    /** The mode of statements without safe integers. */
    readonly mode: number;
    /** Whether new statements have safe integers. */
    safeIntegers: boolean;
    /** Told of each statement that runs. */
    readonly verbose: ((sql: string) => unknown) | undefined;
    /** What a function that SQLite called has thrown. */
    thrown: {
        readonly error: unknown;
    } | undefined;
}
export declare function busyError(): TypeError;
/** Throws unless the database is open. */
export declare function requireOpen(state: SyncState): void;
/** Throws unless the database is open and no call is under way. */
export declare function requireIdle(state: SyncState): void;
/** Throws if a result is being read. */
export declare function requireNoIterators(state: SyncState): void;
/** Throws if a result is being read, unless that is allowed. */
export declare function requireNoIteratorsUnlessUnsafe(state: SyncState): void;
export declare function lockedError(): TypeError;
/** The error of a failed call: what a function of the caller's threw goes before SQLite's words for it. */
export declare function errorOf(state: SyncState, payload: unknown): unknown;
/** Whether an answer of the addon is a failure. */
export declare function isFailure(answer: unknown): boolean;
/** Makes a call of the addon during which nothing else may use the database. */
export declare function calling<T>(state: SyncState, call: () => T): T;
/** Tells of a statement before it runs. It is part of the run: what it throws ends that. */
export declare function log(state: SyncState, text: () => unknown): void;
