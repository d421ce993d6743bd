/**
 * What is used of prom-client and of OpenTelemetry. Written out, so that a program with one of the two
 * need not install the types of the other.
 */
/** A `Registry` of prom-client. */
export interface MetricsRegistry {
    registerMetric(metric: never): void;
    removeSingleMetric(name: string): void;
}
/** An observable instrument of OpenTelemetry. */
export type Instrument = object;
/** What a callback gives its values to. */
export interface Observer {
    observe(instrument: never, value: number, attributes?: Record<string, string>): void;
}
/** A `Meter` of OpenTelemetry. */
export interface MetricsMeter {
    createObservableCounter(name: string, options: {
        description: string;
        unit: string;
    }): Instrument;
    createObservableGauge(name: string, options: {
        description: string;
        unit: string;
    }): Instrument;
    addBatchObservableCallback(callback: (result: Observer) => void, instruments: never[]): void;
    removeBatchObservableCallback(callback: (result: Observer) => void, instruments: never[]): void;
}
