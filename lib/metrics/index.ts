/**
 * The counters of storages for prom-client and for OpenTelemetry.
 *
 * @module
 */

export { observe } from './observe.js'
export type { MetricsOptions } from './options.js'
export type { MetricsMeter, MetricsRegistry } from './peers.js'
export { register } from './prometheus.js'
