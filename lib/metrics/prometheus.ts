/** Metrics of storages in a registry of prom-client. */

import type { Storage } from '../storage.js'
import { type Family, familiesOf, type Sample } from './families.js'
import { type MetricsOptions, settle } from './options.js'
import type { MetricsRegistry } from './peers.js'

const nothing = (): void => {}

/** The storages that share one set of names in a registry. */
class Group {
  readonly #registry: MetricsRegistry
  readonly #prefix: string
  readonly #storages = new Map<string, Storage>()
  readonly #names: string[] = []
  #samples: Map<string, Sample[]> | undefined

  constructor(registry: MetricsRegistry, prefix: string) {
    this.#registry = registry
    this.#prefix = prefix
  }

  /** Adds a storage; what is returned takes it away. */
  add(store: string, storage: Storage): () => void {
    if (this.#storages.has(store)) {
      throw new Error(`a storage is registered as "${store}" already: give this one another option "store"`)
    }
    if (this.#storages.size === 0) this.#register(familiesOf(storage.metrics))
    this.#storages.set(store, storage)
    return () => {
      if (this.#storages.get(store) !== storage) return
      this.#storages.delete(store)
      if (this.#storages.size === 0) this.#unregister()
    }
  }

  #register(families: readonly Family[]): void {
    try {
      for (const { name, type, help } of families) {
        const metric = new StoreMetric(this.#prefix + name, type, help, () => this.#read().get(name) ?? [])
        this.#registry.registerMetric(metric as never)
        this.#names.push(this.#prefix + name)
      }
    } catch (error) {
      this.#unregister()
      throw error
    }
  }

  #unregister(): void {
    for (const name of this.#names.splice(0)) this.#registry.removeSingleMetric(name)
  }

  /** All samples by family. A registry asks for all families at once, and gets them of one moment. */
  #read(): Map<string, Sample[]> {
    if (this.#samples !== undefined) return this.#samples
    const samples = new Map<string, Sample[]>()
    for (const [store, storage] of this.#storages) {
      for (const family of familiesOf(storage.metrics)) {
        const all = samples.get(family.name) ?? []
        for (const it of family.samples) all.push({ ...it, labels: { store, ...it.labels } })
        samples.set(family.name, all)
      }
    }
    this.#samples = samples
    queueMicrotask(() => {
      this.#samples = undefined
    })
    return samples
  }
}

/**
 * What a registry asks of a metric. Its own classes count by themselves, and their histograms cannot be
 * set to what was counted elsewhere.
 */
class StoreMetric {
  name: string
  readonly type: Family['type']
  readonly help: string
  readonly aggregator = 'sum'
  readonly #samples: () => readonly Sample[]
  /** Counters belong to the store, and go on. */
  readonly reset = nothing

  constructor(name: string, type: Family['type'], help: string, samples: () => readonly Sample[]) {
    this.name = name
    this.type = type
    this.help = help
    this.#samples = samples
  }

  async get(): Promise<object> {
    const { name, type, help, aggregator } = this
    const values = this.#samples().map(({ suffix, labels, value }) =>
      suffix === '' ? { labels, value } : { labels, value, metricName: name + suffix },
    )
    return { name, type, help, aggregator, values }
  }
}

const groups = new WeakMap<MetricsRegistry, Map<string, Group>>()

/**
 * Puts the metrics of a storage into a registry of prom-client, where they are read at each scrape. All
 * have the label `store`, none names an actor. What is returned takes them out again.
 */
export function register(
  registry: MetricsRegistry,
  storage: Storage,
  options: MetricsOptions = {},
): () => void {
  const { prefix, store } = settle(storage, options)
  const byPrefix = groups.get(registry) ?? new Map<string, Group>()
  groups.set(registry, byPrefix)
  const group = byPrefix.get(prefix) ?? new Group(registry, prefix)
  byPrefix.set(prefix, group)
  return group.add(store, storage)
}
