/** The names of all metrics and where their values are: one source for every form they are given in. */
import type { StorageMetrics } from '../../native.cjs';
/** One value of a family. */
export interface Sample {
    /** What follows the family's name: `_bucket`, `_sum` or `_count` of a histogram. */
    readonly suffix: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
}
/** Values under one name, as Prometheus groups them. */
export interface Family {
    readonly name: string;
    readonly type: 'counter' | 'gauge' | 'histogram';
    readonly help: string;
    readonly samples: readonly Sample[];
}
/** All metrics of a store. */
export declare function familiesOf(metrics: StorageMetrics): Family[];
