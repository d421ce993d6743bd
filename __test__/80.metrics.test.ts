import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type DatabaseMetrics, inspectorMetrics, prometheus } from '../index.js'
import { newDatabase, rejection, root, sharedStorage } from './support.js'

/** The fields of an interface in the declarations that are generated from Rust. */
function fieldsOf(name: string): string[] {
  const declarations = readFileSync(join(root, 'native.d.cts'), 'utf8')
  const body = new RegExp(`interface ${name} \\{([^}]*)\\}`).exec(declarations)?.[1] ?? ''
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, field]) => field as string)
}

test('every native counter is forwarded', async () => {
  const db = await newDatabase()
  const storage = await sharedStorage()
  const { metrics } = db
  const whole = storage.metrics
  const parts: [string, object][] = [
    ['DatabaseMetrics', metrics],
    ['VfsMetrics', metrics.vfs],
    ['CommitMetrics', metrics.commit],
    ['StatementMetrics', metrics.statements],
    ['QueueMetrics', metrics.queue],
    ['TransactionMetrics', metrics.transactions],
    ['StorageMetrics', whole],
    ['DatabaseMetrics', whole.databases],
    ['KvMetrics', whole.kv],
    ['EngineMetrics', whole.engine],
    ['ExecutorMetrics', whole.executor],
    ['SleepMetrics', whole.sleep],
    ['PageCacheMetrics', whole.pageCache],
  ]
  for (const [name, value] of parts) {
    expect(fieldsOf(name).length, name).toBeGreaterThan(0)
    expect(Object.keys(value).sort(), name).toEqual(fieldsOf(name).sort())
  }
  const text = prometheus()
  for (const name of ['EngineMetrics', 'ExecutorMetrics', 'SleepMetrics', 'PageCacheMetrics', 'VfsMetrics']) {
    for (const field of fieldsOf(name)) {
      const snake = field.replace(/Ns$/, 'Seconds').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
      expect(text, `${name}.${field}`).toContain(`_${snake}`)
    }
  }
  await db.close()
})

function sumOfPhases({ commit }: DatabaseMetrics): number {
  return commit.requestBuildNs + commit.serializeNs + commit.transportNs + commit.stateUpdateNs
}

test('counters count, and can be read after close', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a)')
  for (let n = 0; n < 10; n += 1) await db.run('INSERT INTO t VALUES (?)', n)
  await db.run('UPDATE t SET a = 0')
  await db.all('SELECT * FROM t')
  await db.transaction((tx) => tx.run('DELETE FROM t'))
  await rejection(db.run('SELECT * FROM nowhere'))
  await db.close()
  const { metrics } = db
  expect(metrics.statements).toMatchObject({
    insertCount: 10,
    updateCount: 1,
    selectCount: 1,
    deleteCount: 1,
  })
  expect(metrics.statements.cacheHits).toBeGreaterThanOrEqual(9)
  expect(metrics.commit.commitCount).toBe(13)
  expect(metrics.vfs.commitsBatch + metrics.vfs.commitsSync).toBe(13)
  expect(metrics.transactions).toEqual({ committed: 1, rolledBack: 0, autoRolledBack: 0 })
  expect(metrics.errors).toBe(1)
  expect(metrics.queue.depth).toBe(0)
  expect(sumOfPhases(metrics)).toBe(metrics.commit.totalNs)
  expect(metrics.commit.totalNs).toBeGreaterThan(0)
})

test('a storage sums over databases that are open and that were', async () => {
  const storage = await sharedStorage()
  const before = storage.metrics
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a)')
  const during = storage.metrics
  expect(during.openDatabases).toBe(before.openDatabases + 1)
  await db.close()
  const after = storage.metrics
  expect([after.openDatabases, after.opened]).toEqual([before.openDatabases, before.opened + 1])
  expect(after.databases.commit.commitCount).toBe(before.databases.commit.commitCount + 1)
  expect(after.kv.commits).toBeGreaterThan(before.kv.commits)
  expect(after.engine.commits).toBe(before.engine.commits + 1)
})

test('the Prometheus text is well formed', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a)')
  const lines = prometheus().split('\n')
  expect(lines.pop()).toBe('')
  const types = new Map<string, string>()
  const seen = new Set<string>()
  let family = ''
  for (const line of lines) {
    const head = /^# (HELP|TYPE) (actorsql_[a-z0-9_]+) (.+)$/.exec(line)
    if (head) {
      const [, word, name, rest] = head as unknown as [string, string, string, string]
      if (word === 'TYPE') {
        expect(types.has(name), name).toBe(false)
        types.set(name, rest)
        expect(['counter', 'gauge', 'histogram']).toContain(rest)
        expect(rest === 'counter', name).toBe(name.endsWith('_total'))
      }
      family = name
      continue
    }
    const sample = /^([a-z0-9_]+)(\{[a-z]+="[^"]+"\})? (\S+)$/.exec(line)
    expect(sample, line).not.toBeNull()
    const [key, name, , value] = [
      line.split(' ')[0] as string,
      ...(sample as RegExpExecArray).slice(1),
    ] as string[]
    expect((name as string).startsWith(family), line).toBe(true)
    expect(Number.isFinite(Number(value)), line).toBe(true)
    expect(seen.has(key as string), line).toBe(false)
    seen.add(key as string)
  }
  for (const phase of ['request_build', 'serialize', 'transport', 'state_update']) {
    expect(seen).toContain(`actorsql_commit_phase_seconds_total{phase="${phase}"}`)
  }
  expect(seen).toContain('actorsql_open_databases')
  expect(seen).toContain('actorsql_queue_depth')
  expect(seen).toContain('actorsql_commit_duration_seconds_bucket{le="+Inf"}')
  await db.close()
})

test('the inspector gets the shapes it knows', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
  const metrics = inspectorMetrics()
  const phases = metrics['sqlite_commit_phases']
  expect(phases).toMatchObject({ type: 'labeled_timing', help: expect.any(String) })
  const values = (phases as { values: Record<string, unknown> }).values
  expect(Object.keys(values)).toEqual(['request_build', 'serialize', 'transport', 'state_update'])
  for (const value of Object.values(values)) {
    expect(value).toEqual({ calls: expect.any(Number), totalMs: expect.any(Number), keys: 0 })
  }
  expect(metrics['sql_statements']).toMatchObject({
    type: 'labeled_counter',
    values: {
      select: expect.any(Number),
      insert: expect.any(Number),
      update: expect.any(Number),
      delete: expect.any(Number),
      other: expect.any(Number),
    },
  })
  expect(metrics['sql_duration_ms']).toMatchObject({ type: 'counter', value: expect.any(Number) })
  expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics)
  await db.close()
})
