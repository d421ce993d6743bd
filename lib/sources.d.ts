/** Where the bytes of an import come from. */
/** Gives bytes in order. */
export interface Source {
    /** How many there will be, if that is known. */
    readonly totalBytes: number | undefined;
    /** The next bytes, which are good until the next call; `undefined` at the end. */
    next(): Promise<Uint8Array | undefined>;
    /** Throws if what was given is not what it should have been. */
    check(): Promise<void>;
    /** Lets it go, read to the end or not. */
    close(): Promise<void>;
}
/** Bytes in memory. */
export declare class BytesSource implements Source {
    #private;
    readonly totalBytes: number;
    constructor(bytes: Uint8Array);
    next(): Promise<Uint8Array | undefined>;
    check(): Promise<void>;
    close(): Promise<void>;
}
/** Bytes as somebody else brings them. */
export declare class IterableSource implements Source {
    #private;
    readonly totalBytes: undefined;
    constructor(from: AsyncIterable<Uint8Array>, signal: AbortSignal);
    next(): Promise<Uint8Array | undefined>;
    check(): Promise<void>;
    close(): Promise<void>;
}
/** A file that nobody may change meanwhile. */
export declare class FileSource implements Source {
    #private;
    readonly totalBytes: number;
    private constructor();
    static open(path: string): Promise<FileSource>;
    next(): Promise<Uint8Array | undefined>;
    check(): Promise<void>;
    close(): Promise<void>;
}
