/**
 * What calls tell those who trace: the messages of the tracing channel `actor-sqlite:query`. Nobody
 * subscribed costs a call one look at the channel.
 */
import { Failure } from './errors.js';
import type { Core, Scope } from './scope.js';
import type { BatchStatement, ResultSet } from './types.js';
/** The name of the tracing channel of `node:diagnostics_channel`. */
export declare const QUERY_CHANNEL = "actor-sqlite:query";
/** What a call does. Statements give the names of their methods too. */
export type TraceOperation = 'run' | 'get' | 'all' | 'values' | 'pluck' | 'iterate' | 'exec' | 'prepare' | 'batch' | 'transaction' | 'savepoint' | 'commit' | 'durable' | 'export' | 'serialize' | 'open' | 'close';
/**
 * One call, as it is published on the tracing channel: the same object at each of its events `start`,
 * `end`, `error`, `asyncStart` and `asyncEnd`. No bound value is in it.
 */
export interface TraceMessage {
    readonly operation: TraceOperation;
    /** Whose database. */
    readonly actor: string;
    /** The namespace of the actor's name; empty for the one without a name. */
    readonly namespace: string;
    /** The SQL text as it was given; of a batch all texts, by `; `, or the one that all have. */
    readonly sql?: string;
    /** How many statements a batch has, or rows of parameters. */
    readonly batchSize?: number;
    /** Rows that came, from `asyncStart` on. */
    rows?: number;
    /** Rows that were changed, from `asyncStart` on. */
    changes?: number;
    /** What the call rejects with, from `error` on. */
    error?: unknown;
}
/** What became of a call, in numbers. */
export type Outcome = Pick<TraceMessage, 'rows' | 'changes'>;
/** Whether anybody listens. */
export declare const isTraced: () => boolean;
/** The message of a call. */
export declare function messageOf({ core: { name, namespace } }: {
    readonly core: Pick<Core, 'name' | 'namespace'>;
}, operation: TraceOperation, sql?: string): TraceMessage;
/** Tells of a call that ends by `finished`, however many requests it makes until then. */
export declare function started(call: TraceMessage): void;
/** Tells that a call succeeded. */
export declare function finished(call: TraceMessage, outcome: Outcome): void;
/** Tells that a call failed. */
export declare function broken(call: TraceMessage, error: unknown): void;
/** Makes a call with what subscribers have bound to `start`, and tells of it. */
export declare function traced<T>(call: TraceMessage, work: () => Promise<T>, outcome?: (result: Exclude<T, Failure>) => Outcome): Promise<T>;
/** Makes a call, and tells of it if anybody listens. */
export declare function told<T>(scope: Pick<Scope, 'core'>, operation: TraceOperation, sql: string | undefined, work: () => Promise<T>): Promise<T>;
/** The message of a batch of statements. */
export declare function batchMessage(scope: Pick<Scope, 'core'>, statements: readonly BatchStatement[]): TraceMessage;
/** Counts what a batch of statements gave. */
export declare function batchOutcome(results: readonly ResultSet[]): Outcome;
