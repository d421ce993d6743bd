/** Files that are there whole, or not at all. */
import { type Sink } from './sinks.js';
/** A file beside the one that is meant, which takes its place in the end. */
export declare class PartialFile implements Sink {
    #private;
    private constructor();
    /** Begins a file; an existing one is refused unless it may be overwritten. */
    static create(path: string, overwrite: boolean): Promise<PartialFile>;
    buffer(bytes: number): Uint8Array;
    write(chunk: Uint8Array): Promise<void>;
    finish(signal: AbortSignal): Promise<void>;
    fail(): Promise<void>;
}
