/** The counters of the process in the forms that monitoring systems read. */
/**
 * The counters of all stores of this process, closed databases included, in the text format of
 * Prometheus. No label names an actor.
 */
export declare function prometheus(): string;
/** Calls and time of one label. */
export interface LabeledTiming {
    readonly calls: number;
    readonly totalMs: number;
    readonly keys: number;
}
/** One metric as an inspector shows it. */
export type InspectorMetric = {
    readonly type: 'counter' | 'gauge';
    readonly help: string;
    readonly value: number;
} | {
    readonly type: 'labeled_counter';
    readonly help: string;
    readonly values: Readonly<Record<string, number>>;
} | {
    readonly type: 'labeled_timing';
    readonly help: string;
    readonly values: Readonly<Record<string, LabeledTiming>>;
};
/** The counters of all stores of this process by name, in the form that an actor's inspector reads. */
export declare function inspectorMetrics(): Record<string, InspectorMetric>;
