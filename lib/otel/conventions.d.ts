/** Names and attributes of spans and metrics, as the semantic conventions for databases have them. */
import type { Attributes } from '@opentelemetry/api';
import type { TraceMessage } from '../trace.js';
/** Bounds of the buckets of `db.client.operation.duration`, in seconds. */
export declare const DURATION_BUCKETS: number[];
/** A call in the words of the conventions. */
export interface Described {
    /** The name of its span. */
    readonly name: string;
    /** The attributes of its span. */
    readonly attributes: Attributes;
    /** The attributes of its time: those that do not name an actor, nor hold a text. */
    readonly dimensions: Attributes;
}
/** Describes a call at its start. */
export declare function described(message: TraceMessage, captureQueryText: boolean): Described;
/** What a failure adds. Codes are SQLite's and the store's; of other errors the name alone is told. */
export declare function failureOf(error: unknown): {
    attributes: Attributes;
    message: string;
};
