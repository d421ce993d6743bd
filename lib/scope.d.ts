/** What calls go through: a database's handle, and in which transaction and under which options. */
import type { Reply } from './decode.js';
import { type CommandBuffer } from './encode.js';
import { Failure } from './errors.js';
import type { IntegerMode, Logger } from './types.js';
/** An open database, as all objects that work on it share it. */
export declare class Core {
    #private;
    readonly handle: number;
    readonly name: string;
    /** The namespace of its name. */
    readonly namespace: string;
    readonly integers: IntegerMode;
    readonly logger: Logger | undefined;
    closing: boolean;
    constructor(handle: number, name: string, namespace: string, integers: IntegerMode, logger: Logger | undefined);
    /** Whether a call outside the open transaction has to wait. */
    get busy(): boolean;
    /** Takes a place in the line; leaves it again by the function that is returned. */
    queue(turn: () => void): () => void;
    /** A transaction takes the connection. */
    own(): void;
    /** It gives the connection back: those in line go on, up to the next transaction among them. */
    disown(): void;
    /** Runs a transaction's callback so that calls to its database from inside are noticed. */
    inside<T>(callback: () => Promise<T> | T): Promise<T>;
    /** Throws if the call would wait for the transaction that makes it. */
    checkReentry(): void;
}
/** Where and how calls run. */
export interface Scope {
    readonly core: Core;
    /** The database's own object: it must not be dropped while a statement or a loop works on it. */
    owner?: object;
    readonly transaction: TransactionState | undefined;
    /** The savepoint of the transaction that calls are made in. */
    readonly savepoint?: object;
    readonly timeoutMs: number;
    readonly signal: AbortSignal | undefined;
    readonly integers: IntegerMode;
}
/** A transaction that is open, or was. */
export interface TransactionState {
    readonly id: number;
    /** One object for each savepoint that is open inside: only the innermost may be used. */
    readonly savepoints: object[];
    /** Savepoints that are being rolled back. */
    undoing: number;
    /** Why it takes no more calls. */
    over: unknown;
}
/** Throws if nothing can be sent from here. */
export declare function check(scope: Scope, depth: number): void;
/**
 * Sends a command and converts its reply. To be awaited in an async function, which then throws the
 * error of a failure: so the stack leads to the caller without a cost for calls that succeed.
 */
export declare function send<R extends Reply, T>(scope: Scope, depth: number, opcode: number, write: ((buffer: CommandBuffer) => void) | undefined, convert: (reply: R) => T): Promise<T | Failure>;
/** Sends a command that ends things, and is sent whatever has ended before. */
export declare function sendUnchecked<R extends Reply, T>(scope: Scope, opcode: number, write: ((buffer: CommandBuffer) => void) | undefined, convert: (reply: R) => T): Promise<T | Failure>;
/**
 * Sends a command that lets something go, however late it is and however many wait. Never rejects:
 * a failure says that it is gone already.
 */
export declare function release(scope: Scope, opcode: number, write?: (buffer: CommandBuffer) => void): Promise<void>;
/** Others had the connection for longer than a caller meant to wait. */
export declare class BusyError extends Error {
}
/**
 * Waits until a transaction may begin, and takes the connection for it: for as long as a call may
 * take, or for `waitMs`, after which it is a `BusyError`.
 */
export declare function turn(scope: Scope, waitMs?: number): Promise<void>;
export { Failure };
