/**
 * Spans and times of calls for OpenTelemetry.
 *
 * @module
 */
import { type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import { type TraceMessage } from '../trace.js';
/** How calls are traced and timed. */
export interface InstrumentOptions {
    /** Makes the spans. Default: the global one. */
    readonly tracerProvider?: TracerProvider;
    /** Takes the times. Default: the global one. */
    readonly meterProvider?: MeterProvider;
    /**
     * Give spans the text. Texts with parameters are given as they are, others without their literals.
     * Default: `true`.
     */
    readonly captureQueryText?: boolean;
    /** Make spans only where one is active already. Default: `false`. */
    readonly requireParentSpan?: boolean;
    /** Says of which calls nothing is told. */
    readonly ignore?: (message: TraceMessage) => boolean;
}
/**
 * Makes a span and records the time of every call of this process's databases, by the stable semantic
 * conventions for databases. What is returned ends it; calls under way then get no end.
 */
export declare function instrument(options?: InstrumentOptions): () => void;
