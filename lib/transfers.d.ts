/** Exports and imports that run, so that they end with their storage. */
/** What runs on one storage. */
export declare class Transfers {
    #private;
    /** Runs a transfer, whose signal is aborted by the caller's or by `stop`. */
    run<T>(signal: AbortSignal | undefined, transfer: (signal: AbortSignal) => Promise<T>): Promise<T>;
    /** Aborts all of them, and those to come, and waits until they have cleaned up. */
    stop(reason: Error): Promise<void>;
}
/** Waits for something, but no longer than until the signal: what it waits for may never come. */
export declare function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T>;
