/** Where the bytes of an export go. */
import { Writable } from 'node:stream';
/** Takes bytes in order, then either `finish` or `fail`. */
export interface Sink {
    /** A buffer for the next chunk, exactly so long. It may be the one of before. */
    buffer(bytes: number): Uint8Array;
    /** Takes a chunk, and is done with its buffer afterwards. */
    write(chunk: Uint8Array): Promise<void>;
    /** All was written. Whoever waits for somebody else here gives up when the signal says so. */
    finish(signal: AbortSignal): Promise<void>;
    /** Leaves nothing behind, also if `finish` has failed. Waits for nothing that may never come. */
    fail(reason: unknown): Promise<void>;
}
/** A buffer that serves chunk after chunk, for a sink that keeps none. */
export declare class ReusedBuffer {
    #private;
    get(bytes: number): Uint8Array;
}
/** All chunks side by side. */
export declare class MemorySink implements Sink {
    #private;
    readonly bytes: Uint8Array;
    constructor(bytes: number);
    buffer(bytes: number): Uint8Array;
    write(chunk: Uint8Array): Promise<void>;
    finish(): Promise<void>;
    fail(): Promise<void>;
}
/** A stream of the web, which is closed in the end, or aborted. */
export declare class WebSink implements Sink {
    #private;
    constructor(stream: WritableStream<Uint8Array>);
    buffer(bytes: number): Uint8Array;
    write(chunk: Uint8Array): Promise<void>;
    finish(signal: AbortSignal): Promise<void>;
    fail(reason: unknown): Promise<void>;
}
/** A stream of Node, which is ended, or destroyed; but for those of the process, which stay open. */
export declare class NodeSink implements Sink {
    #private;
    constructor(stream: Writable);
    buffer(bytes: number): Uint8Array;
    write(chunk: Uint8Array): Promise<void>;
    finish(signal: AbortSignal): Promise<void>;
    fail(reason: unknown): Promise<void>;
}
/** The sink of a stream; `undefined` if it is none. */
export declare function streamSink(to: unknown): Sink | undefined;
