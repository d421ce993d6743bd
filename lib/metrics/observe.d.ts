/** Metrics of storages as observable instruments of OpenTelemetry. */
import type { Storage } from '../storage.js';
import { type MetricsOptions } from './options.js';
import type { MetricsMeter } from './peers.js';
/**
 * Makes an observable instrument of a meter for each metric of a storage, read whenever the meter's
 * reader collects. Names and units are those of Prometheus without `_total`; a histogram is given as the
 * counters `_bucket` (by `le`), `_sum` and `_count`, as there is no observable one. All have the attribute
 * `store`, none names an actor. What is returned ends it.
 */
export declare function observe(meter: MetricsMeter, storage: Storage, options?: MetricsOptions): () => void;
