import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { afterEach, expect, test } from 'vitest'
import type { TraceMessage } from '../index.js'
import { newDatabase, rejection, sharedStorage } from './support.js'

const channel = tracingChannel<unknown, TraceMessage>('actor-sqlite:query')
const EVENTS = ['start', 'end', 'error', 'asyncStart', 'asyncEnd'] as const

let stop = () => {}
afterEach(() => stop())

/** Listens until the test is over; gives what came, each message as it was at its event. */
function listen(): { events: [string, TraceMessage][]; calls: () => TraceMessage[] } {
  const events: [string, TraceMessage][] = []
  const handlers = Object.fromEntries(
    EVENTS.map((event) => [
      event,
      (message: unknown) => events.push([event, { ...(message as TraceMessage) }]),
    ]),
  ) as unknown as Parameters<typeof channel.subscribe>[0]
  channel.subscribe(handlers)
  stop = () => channel.unsubscribe(handlers)
  return {
    events,
    calls: () => events.filter(([event]) => event === 'asyncEnd').map(([, message]) => message),
  }
}

test('each call tells its text, whose it is and what it gave', async () => {
  const db = await newDatabase({ namespace: 'rooms' })
  const { calls } = listen()
  const about = { actor: db.name, namespace: 'rooms' }
  await db.exec('CREATE TABLE t (a)')
  await db.run('INSERT INTO t VALUES (?), (?)', 1, 2)
  await db.get('SELECT a FROM t WHERE a = ?', 3)
  await db.get('SELECT a FROM t WHERE a = ?', 1)
  await db.all('SELECT a FROM t')
  await db.values('SELECT a FROM t')
  await db.pluck('SELECT count(*) FROM t')
  await db.sql.all`SELECT a FROM t WHERE a > ${1}`
  await db.batch([{ sql: 'INSERT INTO t VALUES (?)', args: [3] }, 'SELECT a FROM t'])
  await db.batch('INSERT INTO t VALUES (?)', [[4], [5]])
  await db.durable()
  await db.close()
  expect(calls()).toEqual([
    { ...about, operation: 'exec', sql: 'CREATE TABLE t (a)' },
    { ...about, operation: 'run', sql: 'INSERT INTO t VALUES (?), (?)', changes: 2 },
    { ...about, operation: 'get', sql: 'SELECT a FROM t WHERE a = ?', rows: 0 },
    { ...about, operation: 'get', sql: 'SELECT a FROM t WHERE a = ?', rows: 1 },
    { ...about, operation: 'all', sql: 'SELECT a FROM t', rows: 2 },
    { ...about, operation: 'values', sql: 'SELECT a FROM t', rows: 2 },
    { ...about, operation: 'pluck', sql: 'SELECT count(*) FROM t', rows: 1 },
    { ...about, operation: 'all', sql: 'SELECT a FROM t WHERE a > ?', rows: 1 },
    {
      ...about,
      operation: 'batch',
      sql: 'INSERT INTO t VALUES (?); SELECT a FROM t',
      batchSize: 2,
      rows: 3,
      changes: 1,
    },
    { ...about, operation: 'batch', sql: 'INSERT INTO t VALUES (?)', batchSize: 2, changes: 2 },
    { ...about, operation: 'durable' },
    { ...about, operation: 'close' },
  ])
})

test('statements tell their text, loops how many rows came', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a)')
  await db.batch(
    'INSERT INTO t VALUES (?)',
    Array.from({ length: 1000 }, (_, index) => [index]),
  )
  const { calls } = listen()
  const statement = await db.prepare('SELECT a FROM t WHERE a < ?')
  await statement.all(2)
  await statement.values(3)
  await statement.get(1)
  let rows = 0
  for await (const _ of statement.iterate(1000)) rows += 1
  for await (const _ of db.iterate('SELECT a FROM t')) break
  await rejection(db.iterate('SELECT * FROM nowhere').next())
  await db.close()
  expect(rows).toBe(1000)
  expect(calls().map(({ operation, rows, error }) => [operation, rows, (error as Error)?.message])).toEqual([
    ['prepare', undefined, undefined],
    ['all', 2, undefined],
    ['values', 3, undefined],
    ['get', 1, undefined],
    ['iterate', 1000, undefined],
    ['iterate', 256, undefined],
    ['iterate', undefined, 'no such table: nowhere'],
    ['close', undefined, undefined],
  ])
  expect(calls()[1]?.sql).toBe('SELECT a FROM t WHERE a < ?')
})

test('events come in the order of Node, and the error is the one that is thrown', async () => {
  const db = await newDatabase()
  const { events } = listen()
  await db.get('SELECT 1')
  expect(events.map(([event]) => event)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
  events.length = 0
  const error = await rejection(db.get('SELECT nonsense'))
  expect(events.map(([event]) => event)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  expect(events[2]?.[1].error).toBe(error)
  expect(error.stack).toContain('85.trace.test')
  events.length = 0
  // Refused before it is sent, which a caller cannot tell from any other refusal.
  const refused = await rejection(db.get('SELECT ?', undefined as never))
  expect(events.map(([event]) => event)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  expect(events[2]?.[1].error).toBe(refused)
  await db.close()
})

test('what subscribers bind to the start reaches the callback of a transaction, and nothing after it', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a)')
  const { calls } = listen()
  const around = new AsyncLocalStorage<string>()
  const own = { of: (message: TraceMessage) => `${around.getStore() ?? 'none'} > ${message.operation}` }
  channel.start.bindStore(around as AsyncLocalStorage<unknown>, (message) => own.of(message as TraceMessage))
  const seen: (string | undefined)[] = []
  await db.transaction(async (tx) => {
    seen.push(around.getStore())
    await tx.run('INSERT INTO t VALUES (1)')
    await tx.savepoint(async () => void seen.push(around.getStore()))
    seen.push(around.getStore())
  })
  channel.start.unbindStore(around as AsyncLocalStorage<unknown>)
  expect(seen).toEqual(['none > transaction', 'none > transaction > savepoint', 'none > transaction'])
  expect(around.getStore()).toBeUndefined()
  expect(calls().map(({ operation }) => operation)).toEqual(['run', 'savepoint', 'commit', 'transaction'])
  await db.close()
})

test('opening tells the actor and its namespace', async () => {
  const storage = await sharedStorage()
  const { calls } = listen()
  const error = await rejection(storage.open('nobody', { create: false, namespace: 'n' }))
  await (await storage.open('somebody')).close()
  expect(calls()).toEqual([
    { operation: 'open', actor: 'nobody', namespace: 'n', error },
    { operation: 'open', actor: 'somebody', namespace: '' },
    { operation: 'close', actor: 'somebody', namespace: '' },
  ])
})

test('bound values are in no message', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a, b)')
  const { events } = listen()
  const secret = 'a secret value'
  await db.run('INSERT INTO t VALUES (?, :b)', { 1: secret, b: secret } as never).catch(() => {})
  await db.run('INSERT INTO t VALUES (:a, :b)', { a: secret, b: secret })
  await db.all('SELECT * FROM t WHERE a = ?', secret)
  await db.batch('INSERT INTO t VALUES (?, ?)', [[secret, secret]])
  for await (const _ of db.iterate('SELECT * FROM t WHERE a = ?', secret));
  expect(events.length).toBeGreaterThan(15)
  expect(JSON.stringify(events)).not.toContain(secret)
  await db.close()
})
