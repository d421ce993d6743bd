/** How metrics of a storage are named. */

import type { Storage } from '../storage.js'

/** How the metrics of a storage are named. */
export interface MetricsOptions {
  /** Put before every name, which begin with `actorsql_`. Default: nothing. */
  readonly prefix?: string
  /** The value of the label `store`, which tells several storages apart. Default: the storage's path. */
  readonly store?: string
}

/** Checks the arguments, and fills in what is not given. */
export function settle(storage: Storage, options: MetricsOptions): Required<MetricsOptions> {
  const { prefix = '', store = storage.path } = options
  if (typeof prefix !== 'string' || !/^([a-zA-Z_][a-zA-Z0-9_]*)?$/.test(prefix)) {
    throw new TypeError(`the option "prefix" must be letters, digits and _, not ${JSON.stringify(prefix)}`)
  }
  if (typeof store !== 'string') throw new TypeError('the option "store" must be a string')
  return { prefix, store }
}
