/**
 * The one connection of this environment to the addon. Requests of a tick go over together in a
 * microtask; replies come back together in one callback.
 */
import { type Reply } from './decode.js';
import { CommandBuffer } from './encode.js';
import { Failure } from './errors.js';
/** Hands over the requests of this tick. */
export declare function flush(): void;
/** A command that is written, and not sent. */
export interface Staged<T> {
    readonly request: number;
    /** Resolves with the converted reply or a failure; never rejects. */
    readonly reply: Promise<T | Failure>;
    /** Sends it. */
    submit(): void;
    /** Answers it here, instead of sending it. */
    fail(failure: Failure): void;
}
/**
 * Sends a command in this tick and returns a promise of its converted reply, or of a failure: it
 * never rejects. Throws what `encode` throws, and then nothing is sent.
 */
export declare function command<R extends Reply, T>(encode: (buffer: CommandBuffer, request: number) => void, convert: (reply: R) => T, started?: (request: number) => void): Promise<T | Failure>;
/** Writes a command that is sent later. Throws what `encode` throws. */
export declare function stage<R extends Reply, T>(encode: (buffer: CommandBuffer, request: number) => void, convert: (reply: R) => T): Staged<T>;
/** Makes a request that is not a command, at once. */
export declare function request<R extends Reply, T>(ask: (connection: number, request: number) => void, convert: (reply: R) => T): Promise<T | Failure>;
/** The connection's number, for calls that answer at once. */
export declare const connectionHandle: number;
