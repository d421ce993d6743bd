/** Metrics of storages as observable instruments of OpenTelemetry. */

import type { Storage } from '../storage.js'
import { type Family, familiesOf, type Sample } from './families.js'
import { type MetricsOptions, settle } from './options.js'
import type { Instrument, MetricsMeter, Observer } from './peers.js'

/** What is measured, as OpenTelemetry writes units. */
function unitOf(name: string): string {
  if (/_seconds(_|$)/.test(name)) return 's'
  return /_bytes(_|$)/.test(name) ? 'By' : '1'
}

/** Whether a sample of a histogram counts, and is no time. */
const isCount = ({ suffix }: Sample): boolean => suffix === '_bucket' || suffix === '_count'

/** The instrument's name: exporters for Prometheus put `_total` behind those of counters themselves. */
const nameOf = (family: Family, { suffix }: Sample): string => family.name.replace(/_total$/, '') + suffix

/**
 * Makes an observable instrument of a meter for each metric of a storage, read whenever the meter's
 * reader collects. Names and units are those of Prometheus without `_total`; a histogram is given as the
 * counters `_bucket` (by `le`), `_sum` and `_count`, as there is no observable one. All have the attribute
 * `store`, none names an actor. What is returned ends it.
 */
export function observe(meter: MetricsMeter, storage: Storage, options: MetricsOptions = {}): () => void {
  const { prefix, store } = settle(storage, options)
  const instruments = new Map<string, Instrument>()
  for (const family of familiesOf(storage.metrics)) {
    for (const sample of family.samples) {
      const name = nameOf(family, sample)
      if (instruments.has(name)) continue
      const about = { description: family.help, unit: isCount(sample) ? '1' : unitOf(name) }
      instruments.set(
        name,
        family.type === 'gauge'
          ? meter.createObservableGauge(prefix + name, about)
          : meter.createObservableCounter(prefix + name, about),
      )
    }
  }
  const read = (result: Observer): void => {
    for (const family of familiesOf(storage.metrics)) {
      for (const sample of family.samples) {
        const instrument = instruments.get(nameOf(family, sample))
        if (instrument !== undefined)
          result.observe(instrument as never, sample.value, { store, ...sample.labels })
      }
    }
  }
  const all = [...instruments.values()] as never[]
  meter.addBatchObservableCallback(read, all)
  return () => meter.removeBatchObservableCallback(read, all)
}
