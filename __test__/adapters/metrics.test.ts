import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { AggregatorRegistry, Counter, Registry } from 'prom-client'
import { afterAll, expect, test } from 'vitest'
import { openStorage, prometheus, type Storage } from '../../index.js'
import { observe, register } from '../../lib/metrics/index.js'
import { temporaryDirectory } from '../support.js'

const opened: Storage[] = []
afterAll(async () => {
  await Promise.all(opened.map((storage) => storage.close()))
})

async function newStorage(): Promise<Storage> {
  const storage = await openStorage({ store: temporaryDirectory(), scrubBytesPerSecond: 0 })
  opened.push(storage)
  return storage
}

async function commit(storage: Storage, times: number): Promise<void> {
  await using db = await storage.open('an-actor-with-a-name')
  await db.exec('CREATE TABLE IF NOT EXISTS t (a)')
  for (let n = 0; n < times; n += 1) await db.run('INSERT INTO t VALUES (?)', n)
}

/** The values of a text by name and labels, as any reader of the format sees them. */
function parse(text: string): Map<string, number> {
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, key, value] = /^([a-zA-Z_:][\w:]*(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})?) (\S+)$/.exec(line) ?? []
    expect(key, line).toBeDefined()
    expect(Number.isFinite(Number(value)), line).toBe(true)
    expect(values.has(key as string), line).toBe(false)
    values.set(key as string, Number(value))
  }
  return values
}

test('a registry gives what the storage has counted', async () => {
  const storage = await newStorage()
  await commit(storage, 5)
  const registry = new Registry()
  register(registry, storage, { store: 'main' })
  const before = parse(await registry.metrics())
  const { kv, engine, databases } = storage.metrics
  const value = (name: string) => before.get(name)
  expect(value('actorsql_commits_total{store="main"}')).toBe(databases.commit.commitCount)
  expect(value('actorsql_engine_commits_total{store="main"}')).toBe(engine.commits)
  expect(value('actorsql_statements_total{store="main",kind="insert"}')).toBe(
    databases.statements.insertCount,
  )
  expect(value('actorsql_commit_duration_seconds_sum{store="main"}')).toBe(kv.commitNs.totalNs / 1e9)
  const all = kv.commitNs.buckets.reduce((sum, count) => sum + count, 0)
  expect(value('actorsql_commit_duration_seconds_count{store="main"}')).toBe(all)
  expect(value('actorsql_commit_duration_seconds_bucket{store="main",le="+Inf"}')).toBe(all)
  await commit(storage, 3)
  const after = parse(await registry.metrics())
  expect(after.get('actorsql_commits_total{store="main"}')).toBe(databases.commit.commitCount + 3)
  expect([...after.keys()]).toEqual([...before.keys()])
  expect(JSON.stringify([...after.keys()])).not.toContain('an-actor')
})

test('names and kinds are those of prometheus()', async () => {
  const storage = await newStorage()
  const registry = new Registry()
  register(registry, storage)
  const heads = (text: string) => text.split('\n').filter((line) => line.startsWith('#'))
  expect(heads(await registry.metrics())).toEqual(heads(prometheus()))
})

test('storages in one registry are told apart, and leave it one by one', async () => {
  const [one, two] = [await newStorage(), await newStorage()]
  await commit(one, 2)
  await commit(two, 4)
  const registry = new Registry()
  const others = new Counter({ name: 'own_total', help: 'Of the program.', registers: [registry] })
  others.inc()
  const leaveOne = register(registry, one)
  const leaveTwo = register(registry, two, { store: 'two' })
  const both = parse(await registry.metrics())
  expect(both.get(`actorsql_commits_total{store="${one.path}"}`)).toBe(
    one.metrics.databases.commit.commitCount,
  )
  expect(both.get('actorsql_commits_total{store="two"}')).toBe(two.metrics.databases.commit.commitCount)
  expect(() => register(registry, one, { store: 'two' })).toThrow('registered as "two" already')
  register(registry, one, { prefix: 'app_', store: 'x' })
  expect(parse(await registry.metrics()).has('app_actorsql_commits_total{store="x"}')).toBe(true)
  leaveOne()
  leaveOne()
  const left = parse(await registry.metrics())
  expect([...left.keys()].filter((key) => key.includes(one.path))).toEqual([])
  expect(left.has('actorsql_commits_total{store="two"}')).toBe(true)
  leaveTwo()
  const rest = parse(await registry.metrics())
  expect([...rest.keys()].filter((key) => !key.startsWith('app_'))).toEqual(['own_total'])
  register(registry, two, { store: 'two' })
  expect(parse(await registry.metrics()).has('actorsql_commits_total{store="two"}')).toBe(true)
})

test('all forms of a registry work: JSON, one metric, OpenMetrics, a cluster, a reset', async () => {
  const storage = await newStorage()
  await commit(storage, 2)
  const registry = new Registry()
  register(registry, storage, { store: 's' })
  registry.setDefaultLabels({ host: 'a' })
  const json = await registry.getMetricsAsJSON()
  const commits = json.find(({ name }) => name === 'actorsql_commits_total')
  expect(commits).toMatchObject({ type: 'counter', aggregator: 'sum' })
  expect(commits?.values).toEqual([{ labels: { store: 's', host: 'a' }, value: 3 }])
  expect(await registry.getSingleMetricAsString('actorsql_commits_total')).toContain(
    'actorsql_commits_total{store="s",host="a"} 3',
  )
  registry.resetMetrics()
  const merged = AggregatorRegistry.aggregate([json, json])
  expect(await merged.metrics()).toContain('actorsql_commits_total{store="s",host="a"} 6')
  const open = new Registry()
  open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
  const leave = register(open, storage, { store: 's' })
  for (let scrape = 0; scrape < 2; scrape += 1) {
    const text = await open.metrics()
    expect(text).toContain('# TYPE actorsql_commits counter\nactorsql_commits_total{store="s"} 3')
    expect(text).toContain('actorsql_commit_duration_seconds_bucket{store="s",le="+Inf"}')
    expect(text).not.toContain('_total_total')
  }
  leave()
  expect(await open.metrics()).not.toContain('actorsql')
})

test('a name that is taken leaves the registry as it was', async () => {
  const storage = await newStorage()
  const registry = new Registry()
  new Counter({ name: 'actorsql_errors_total', help: 'Another.', registers: [registry] })
  expect(() => register(registry, storage)).toThrow('already been registered')
  expect(registry.getMetricsAsArray().length).toBe(1)
})

test('wrong arguments are named', async () => {
  const storage = await newStorage()
  expect(() => register(new Registry(), storage, { prefix: 'a-b' })).toThrow('the option "prefix"')
  expect(() => register(new Registry(), storage, { store: 1 as never })).toThrow('the option "store"')
})

test('metrics of a closed storage stay readable', async () => {
  const storage = await newStorage()
  await commit(storage, 1)
  const registry = new Registry()
  register(registry, storage, { store: 's' })
  await storage.close()
  expect(parse(await registry.metrics()).get('actorsql_commits_total{store="s"}')).toBe(2)
})

test('OpenTelemetry reads the same counters', async () => {
  const [one, two] = [await newStorage(), await newStorage()]
  await commit(one, 2)
  await commit(two, 6)
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })
  const provider = new MeterProvider({ readers: [reader] })
  const meter = provider.getMeter('test')
  const ends = [observe(meter, one, { store: 'one' }), observe(meter, two, { store: 'two' })]
  const points = async (name: string) => {
    exporter.reset()
    await reader.forceFlush()
    const all = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    const found = all.filter(({ descriptor }) => descriptor.name === name)
    return {
      found,
      values: found.flatMap(({ dataPoints }) => dataPoints.map((it) => [it.attributes, it.value])),
    }
  }
  const commits = await points('actorsql_commits')
  expect(commits.found.length).toBe(1)
  expect(commits.found[0]?.descriptor).toMatchObject({ type: 'OBSERVABLE_COUNTER', unit: '1' })
  expect(commits.values).toEqual([
    [{ store: 'one' }, 3],
    [{ store: 'two' }, 7],
  ])
  await commit(one, 5)
  expect((await points('actorsql_commits')).values[0]).toEqual([{ store: 'one' }, 8])
  const phases = await points('actorsql_commit_phase_seconds')
  expect(phases.found[0]?.descriptor.unit).toBe('s')
  expect(phases.values.map(([attributes]) => attributes)).toContainEqual({ store: 'one', phase: 'transport' })
  expect((await points('actorsql_open_databases')).found[0]?.descriptor).toMatchObject({
    type: 'OBSERVABLE_GAUGE',
  })
  expect((await points('actorsql_kv_commit_bytes')).found[0]?.descriptor.unit).toBe('By')
  const buckets = await points('actorsql_commit_duration_seconds_bucket')
  const infinite = buckets.values.find(([about]) => (about as { le: string }).le === '+Inf')
  expect(infinite?.[1]).toBe(one.metrics.kv.commits)
  expect(buckets.found[0]?.descriptor.unit).toBe('1')
  ends[1]?.()
  await commit(two, 1)
  expect((await points('actorsql_commits')).values).toContainEqual([{ store: 'two' }, 7])
  ends[0]?.()
  await provider.shutdown()
})
