/** How metrics of a storage are named. */
import type { Storage } from '../storage.js';
/** How the metrics of a storage are named. */
export interface MetricsOptions {
    /** Put before every name, which begin with `actorsql_`. Default: nothing. */
    readonly prefix?: string;
    /** The value of the label `store`, which tells several storages apart. Default: the storage's path. */
    readonly store?: string;
}
/** Checks the arguments, and fills in what is not given. */
export declare function settle(storage: Storage, options: MetricsOptions): Required<MetricsOptions>;
