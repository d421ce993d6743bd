import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, type ContextManager, context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { describeSql } from '../../lib/otel/describe.js'
import { type InstrumentOptions, instrument } from '../../lib/otel/index.js'
import { newDatabase, rejection } from '../support.js'

/** Keeps the context in an AsyncLocalStorage, as OpenTelemetry's own manager for Node does. */
class Contexts implements ContextManager {
  readonly #store = new AsyncLocalStorage<Context>()
  active = () => this.#store.getStore() ?? ROOT_CONTEXT
  with: ContextManager['with'] = (on, fn, self, ...args) =>
    this.#store.run(on, () => fn.call(self as never, ...args))
  bind: ContextManager['bind'] = (_, target) => target
  enable = () => this
  disable = () => this
}

const exporter = new InMemorySpanExporter()
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
const tracer = tracerProvider.getTracer('test')
const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 2 ** 30 })
const meterProvider = new MeterProvider({ readers: [reader] })

beforeAll(() => void context.setGlobalContextManager(new Contexts()))
afterAll(async () => {
  context.disable()
  await meterProvider.shutdown()
})

let stop = () => {}
afterEach(() => {
  stop()
  exporter.reset()
})

function begin(options: InstrumentOptions = {}): void {
  stop = instrument({ tracerProvider, meterProvider, ...options })
}

const spans = (): ReadableSpan[] => exporter.getFinishedSpans()
const named = (name: string): ReadableSpan => {
  const found = spans().filter((span) => span.name === name)
  expect(found.length, `spans named ${name}`).toBe(1)
  return found[0] as ReadableSpan
}
const parentOf = (span: ReadableSpan): string | undefined =>
  spans().find((other) => other.spanContext().spanId === span.parentSpanContext?.spanId)?.name

test('a call is a span by the conventions', async () => {
  const db = await newDatabase({ namespace: 'rooms' })
  await db.exec('CREATE TABLE message (id INTEGER PRIMARY KEY, text TEXT UNIQUE)')
  begin()
  await db.run('INSERT INTO message (text) VALUES (?)', 'hello')
  const [span] = spans()
  expect(span).toMatchObject({ name: 'INSERT message', kind: SpanKind.CLIENT, status: { code: 0 } })
  expect(span?.attributes).toEqual({
    'db.system.name': 'sqlite',
    'db.namespace': `rooms|${db.name}`,
    'db.operation.name': 'INSERT',
    'db.collection.name': 'message',
    'db.query.summary': 'INSERT message',
    'db.query.text': 'INSERT INTO message (text) VALUES (?)',
  })
  expect(span?.instrumentationScope).toMatchObject({
    name: 'actor-sqlite',
    version: expect.stringMatching(/^\d/),
  })
  await rejection(db.run('INSERT INTO message (text) VALUES (?)', 'hello'))
  const failed = spans()[1]
  expect(failed?.status).toEqual({ code: 2, message: 'UNIQUE constraint failed: message.text' })
  expect(failed?.attributes).toMatchObject({
    'db.response.status_code': 'SQLITE_CONSTRAINT_UNIQUE',
    'error.type': 'SQLITE_CONSTRAINT_UNIQUE',
  })
  await db.close()
})

test('a store’s error has its code, another its name and no more', async () => {
  const db = await newDatabase()
  begin()
  await rejection(
    db
      .with({ timeoutMs: 1 })
      .pluck('WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a FROM n) SELECT count(*) FROM n'),
  )
  await rejection(db.get('SELECT ?', Symbol('secret') as never))
  await db.close()
  await rejection(db.get('SELECT 1'))
  const [late, wrong, , closed] = spans()
  expect(late?.attributes).toMatchObject({
    'error.type': 'ERR_TIMEOUT',
    'db.response.status_code': 'ERR_TIMEOUT',
  })
  expect(wrong?.attributes).toMatchObject({ 'error.type': 'TypeError' })
  expect(wrong?.attributes).not.toHaveProperty('db.response.status_code')
  expect(wrong?.status.message).toBe('TypeError')
  expect(closed?.attributes['error.type']).toBe('ERR_CLOSED')
})

test('spans nest in what is active, in transactions and in savepoints', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a)')
  begin()
  await tracer.startActiveSpan('request', async (span) => {
    await new Promise((resolve) => setTimeout(resolve, 1))
    await db.transaction(async (tx) => {
      await tx.run('INSERT INTO t VALUES (?)', 1)
      await tracer.startActiveSpan('own', async (own) => {
        await tx.all('SELECT a FROM t')
        own.end()
      })
      await tx.savepoint(async (inner) => {
        await inner.run('UPDATE t SET a = ?', 2)
      })
    })
    await db.run('DELETE FROM t')
    span.end()
  })
  await db.get('SELECT 1')
  expect(parentOf(named('transaction'))).toBe('request')
  expect(parentOf(named('INSERT t'))).toBe('transaction')
  expect(parentOf(named('SELECT t'))).toBe('own')
  expect(parentOf(named('savepoint'))).toBe('transaction')
  expect(parentOf(named('UPDATE t'))).toBe('savepoint')
  expect(parentOf(named('COMMIT'))).toBe('transaction')
  expect(parentOf(named('DELETE t'))).toBe('request')
  expect(named('SELECT').parentSpanContext).toBeUndefined()
  await db.close()
})

test('calls at once keep to their own parents', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a)')
  begin()
  const requests = Array.from({ length: 20 }, (_, index) =>
    tracer.startActiveSpan(`request ${index}`, async (span) => {
      await new Promise((resolve) => setTimeout(resolve, index % 3))
      await db.transaction(async (tx) => {
        await tx.run(`INSERT INTO t VALUES (?) -- ${index}`, index)
      })
      span.end()
    }),
  )
  await Promise.all(requests)
  const byId = new Map(spans().map((span) => [span.spanContext().spanId, span]))
  const inserts = spans().filter(({ name }) => name === 'INSERT t')
  expect(inserts.length).toBe(20)
  for (const insert of inserts) {
    const transaction = byId.get(insert.parentSpanContext?.spanId ?? '')
    const request = byId.get(transaction?.parentSpanContext?.spanId ?? '')
    const index = /-- (\d+)$/.exec(String(insert.attributes['db.query.text']))?.[1]
    expect([transaction?.name, request?.name]).toEqual(['transaction', `request ${index}`])
  }
  await db.close()
})

test('batches, loops, statements and scripts have names of their own', async () => {
  const db = await newDatabase({ namespace: 'n' })
  begin()
  await db.exec("CREATE TABLE t (a); INSERT INTO t VALUES ('a secret')")
  await db.batch('INSERT INTO t VALUES (?)', [[1], [2], [3]])
  await db.batch(['SELECT a FROM t', { sql: 'DELETE FROM t WHERE a = ?', args: [1] }])
  await db.batch(['SELECT a FROM t'])
  for await (const _ of db.iterate('SELECT a FROM t'));
  const statement = await db.prepare('SELECT a FROM t WHERE a = ?')
  await statement.get(2)
  await db.durable()
  await db.close()
  const list = spans().map(({ name, attributes }) => [
    name,
    attributes['db.operation.name'],
    attributes['db.operation.batch.size'],
    attributes['db.query.text'],
  ])
  expect(list).toEqual([
    ['CREATE TABLE t INSERT t', undefined, undefined, 'CREATE TABLE t (a); INSERT INTO t VALUES (?)'],
    ['BATCH INSERT t', 'BATCH INSERT', 3, 'INSERT INTO t VALUES (?)'],
    ['BATCH SELECT t DELETE t', 'BATCH', 2, 'SELECT a FROM t; DELETE FROM t WHERE a = ?'],
    ['BATCH SELECT t', 'BATCH SELECT', undefined, 'SELECT a FROM t'],
    ['SELECT t', 'SELECT', undefined, 'SELECT a FROM t'],
    ['PREPARE SELECT t', 'PREPARE', undefined, 'SELECT a FROM t WHERE a = ?'],
    ['SELECT t', 'SELECT', undefined, 'SELECT a FROM t WHERE a = ?'],
    ['durable n', 'durable', undefined, undefined],
    ['close n', 'close', undefined, undefined],
  ])
})

test('options: no text, only below a span, some calls not at all, and an end', async () => {
  const db = await newDatabase()
  begin({
    captureQueryText: false,
    requireParentSpan: true,
    ignore: ({ operation }) => operation === 'pluck',
  })
  await db.get('SELECT 1')
  expect(spans()).toEqual([])
  await tracer.startActiveSpan('request', async (span) => {
    await db.get('SELECT 2')
    await db.pluck('SELECT 3')
    span.end()
  })
  expect(spans().map(({ name }) => name)).toEqual(['SELECT', 'request'])
  expect(spans()[0]?.attributes).not.toHaveProperty('db.query.text')
  stop()
  stop()
  await tracer.startActiveSpan('later', async (span) => {
    await db.get('SELECT 2')
    span.end()
  })
  expect(spans().map(({ name }) => name)).toEqual(['SELECT', 'request', 'later'])
  await db.close()
})

test('times go into the histogram, without actors', async () => {
  const db = await newDatabase({ namespace: 'timed' })
  await db.exec('CREATE TABLE timed (a)')
  begin()
  for (let n = 0; n < 7; n += 1) await db.run('INSERT INTO timed VALUES (?)', n)
  await rejection(db.run('INSERT INTO timed VALUES (?, ?)', 1, 2))
  stop()
  await reader.forceFlush()
  const all =
    metricExporter
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.flatMap(({ metrics }) => metrics) ?? []
  const times = all.filter(({ descriptor }) => descriptor.name === 'db.client.operation.duration')
  expect(times.length).toBe(1)
  expect(times[0]?.descriptor).toMatchObject({ unit: 's', type: 'HISTOGRAM' })
  const points = times[0]?.dataPoints.filter(({ attributes }) => attributes['db.namespace'] === 'timed') ?? []
  const about = {
    'db.system.name': 'sqlite',
    'db.namespace': 'timed',
    'db.operation.name': 'INSERT',
    'db.collection.name': 'timed',
    'db.query.summary': 'INSERT timed',
  }
  expect(points.map(({ attributes }) => attributes)).toEqual([
    about,
    { ...about, 'error.type': 'SQLITE_ERROR', 'db.response.status_code': 'SQLITE_ERROR' },
  ])
  const value = points[0]?.value as { count: number; sum: number; buckets: { boundaries: number[] } }
  expect(value.count).toBe(7)
  expect(value.sum).toBeGreaterThan(0)
  expect(value.buckets.boundaries).toEqual([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10])
  expect(JSON.stringify(times)).not.toContain(db.name)
  await db.close()
})

test('global providers are used where none is given', async () => {
  trace.setGlobalTracerProvider(tracerProvider)
  const db = await newDatabase()
  stop = instrument()
  await db.get('SELECT 1')
  expect(spans().map(({ name }) => name)).toEqual(['SELECT'])
  trace.disable()
  await db.close()
})

test.each([
  ['select * from message', 'SELECT message', 'SELECT', 'message'],
  [
    'SELECT a FROM "odd name", main.[other] AS o, plain p WHERE a IN (SELECT b FROM third)',
    'SELECT odd name main.other plain SELECT third',
    'SELECT',
    undefined,
  ],
  [
    'SELECT a, b FROM t JOIN u ON t.a = u.a LEFT JOIN v USING (a), w ORDER BY a, b',
    'SELECT t u v w',
    'SELECT',
    undefined,
  ],
  [
    'INSERT OR REPLACE INTO t (a, b) VALUES (1, 2), (3, 4) ON CONFLICT DO UPDATE SET a = 1',
    'INSERT t',
    'INSERT',
    't',
  ],
  ['REPLACE INTO t SELECT * FROM u', 'REPLACE t SELECT u', 'REPLACE', undefined],
  [
    "UPDATE OR IGNORE t SET a = replace(a, 'x', 'y'), b = 2 WHERE c = 3 RETURNING a, b",
    'UPDATE t',
    'UPDATE',
    't',
  ],
  ['DELETE FROM t WHERE a = 1', 'DELETE t', 'DELETE', 't'],
  ['WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x', 'SELECT INSERT t SELECT x', 'SELECT', undefined],
  ['CREATE TABLE IF NOT EXISTS t (a REFERENCES u ON DELETE CASCADE)', 'CREATE TABLE t', 'CREATE TABLE', 't'],
  ['CREATE UNIQUE INDEX i ON t (a)', 'CREATE INDEX i', 'CREATE INDEX', undefined],
  [
    'CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; UPDATE u SET a = 1; END; DROP VIEW v',
    'CREATE TRIGGER g DROP VIEW v',
    undefined,
    undefined,
  ],
  ['DROP TABLE main.t', 'DROP TABLE main.t', 'DROP TABLE', 'main.t'],
  ['PRAGMA table_info(t)', 'PRAGMA table_info', 'PRAGMA', undefined],
  ['-- select\n /* from x */ BEGIN IMMEDIATE; COMMIT', 'BEGIN COMMIT', undefined, undefined],
  ['VALUES (1), (2)', 'VALUES', 'VALUES', undefined],
  ['SELECT 1 FROM (SELECT a FROM t), u', 'SELECT SELECT t u', 'SELECT', undefined],
  ['', '', undefined, undefined],
  ["'", '', undefined, undefined],
])('%s is about %s', (sql, summary, operation, target) => {
  const { text: _, ...rest } = describeSql(sql)
  expect(rest).toEqual({ summary, operation, target })
})

test.each([
  [
    "SELECT * FROM t WHERE a = 'it''s' AND b = 12 AND c = x'00ff' AND d = 1.5e-3 AND e = .5",
    'SELECT * FROM t WHERE a = ? AND b = ? AND c = ? AND d = ? AND e = ?',
  ],
  ['SELECT a1 FROM t2 /* secret */ -- secret', 'SELECT a1 FROM t2    '.trimEnd()],
  ["SELECT 'never closed", 'SELECT ?'],
  ['SELECT "a b" FROM [c d] WHERE `e` = -5', 'SELECT "a b" FROM [c d] WHERE `e` = -?'],
  ["SELECT 'kept' WHERE a = ?", "SELECT 'kept' WHERE a = ?"],
  ["SELECT 'kept' WHERE a = :a", "SELECT 'kept' WHERE a = :a"],
  ["SELECT '?', ':a'", 'SELECT ?, ?'],
])('%s leaves as %s', (sql, text) => {
  expect(describeSql(sql).text.trimEnd()).toBe(text)
})

test('a long text is looked at in bounded time and told in part', () => {
  const values = Array.from({ length: 200_000 }, () => "('secret')").join(', ')
  const { text, summary } = describeSql(`INSERT INTO t VALUES ${values}`)
  expect(summary).toBe('INSERT t')
  expect(text.length).toBeLessThan(20_000)
  expect(text).not.toContain('secret')
})
