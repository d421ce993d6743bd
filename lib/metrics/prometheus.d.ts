/** Metrics of storages in a registry of prom-client. */
import type { Storage } from '../storage.js';
import { type MetricsOptions } from './options.js';
import type { MetricsRegistry } from './peers.js';
/**
 * Puts the metrics of a storage into a registry of prom-client, where they are read at each scrape. All
 * have the label `store`, none names an actor. What is returned takes them out again.
 */
export declare function register(registry: MetricsRegistry, storage: Storage, options?: MetricsOptions): () => void;
