import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { openDatabase, openStorage } from '../index.js'
import { finished, root, runModule, temporaryDirectory } from './support.js'

const directory = temporaryDirectory()

const EXPOSE_GC = `import v8 from 'node:v8'
import vm from 'node:vm'
v8.setFlagsFromString('--expose-gc')
const gc = vm.runInNewContext('gc')`

test('acknowledged rows survive kill -9', async () => {
  const store = join(directory, 'killed')
  const writer = runModule(
    `const db = await library.openDatabase('ledger', { store: process.argv.at(-1) })
     await db.exec('CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, pad)')
     for (let n = 0; ; n += 1) {
       await db.run('INSERT INTO t VALUES (?, ?)', n, 'x'.repeat(n % 5000))
       process.stdout.write(n + '\\n')
     }`,
    store,
  )
  let told = ''
  await new Promise<void>((resolve) => {
    writer.stdout?.on('data', (chunk) => {
      told += chunk
      if (told.split('\n').length > 200) resolve()
    })
  })
  writer.kill('SIGKILL')
  await once(writer, 'close')
  const last = Number(told.slice(0, told.lastIndexOf('\n')).split('\n').at(-1))
  const db = await openDatabase('ledger', { store })
  expect(await db.pluck('SELECT count(*) FROM t WHERE n <= ?', last)).toBe(last + 1)
  expect(await db.pragma('integrity_check', { simple: true })).toBe('ok')
  await db.close()
})

test('gated answers come before the sync, and durable() waits for it', async () => {
  const store = join(directory, 'gated')
  const writer = runModule(
    `const db = await library.openDatabase('g', { store: process.argv.at(-1), durability: 'gated' })
     await db.exec('CREATE TABLE t (n)')
     for (let n = 0; n < 100; n += 1) await db.run('INSERT INTO t VALUES (?)', n)
     await db.durable()
     process.stdout.write('durable')
     setInterval(() => {}, 1000)`,
    store,
  )
  await once(writer.stdout as NodeJS.ReadableStream, 'data')
  writer.kill('SIGKILL')
  await once(writer, 'close')
  const db = await openDatabase('g', { store })
  expect(await db.pluck('SELECT count(*) FROM t')).toBe(100)
  await db.close()
})

test('a second process is told who holds the store', async () => {
  const store = join(directory, 'held')
  const storage = await openStorage({ store })
  const other = runModule(
    `try { await library.openStorage({ store: process.argv.at(-1) }) } catch ({ name, code, retryable, holder }) {
       console.log(JSON.stringify({ name, code, retryable, holder }))
     }`,
    store,
  )
  const { output, code } = await finished(other)
  expect(code, output).toBe(0)
  const error = JSON.parse(output)
  expect(error).toMatchObject({ name: 'StorageError', code: 'ERR_IN_USE', retryable: true })
  expect(error.holder).toContain(String(process.pid))
  await storage.close()
})

test('an idle database does not keep the process alive, nor a closed one', async () => {
  const text = (close: string) =>
    `const db = await library.openDatabase('a', { store: process.argv.at(-1) })
     await db.exec('CREATE TABLE IF NOT EXISTS t (a)')
     ${close}
     process.stdout.write('end')`
  for (const close of ['', 'await db.close()']) {
    expect(await finished(runModule(text(close), join(directory, 'idle')))).toEqual({
      code: 0,
      signal: null,
      output: 'end',
    })
  }
})

test('a call in flight keeps the process alive', async () => {
  const text = `const db = await library.openDatabase('a', { store: process.argv.at(-1) })
    db.get('SELECT 42 AS n').then(({ n }) => process.stdout.write(String(n)))`
  expect(await finished(runModule(text, join(directory, 'alive')))).toMatchObject({ code: 0, output: '42' })
})

test('process.exit with open handles, calls in flight and a statement that runs', async () => {
  const store = join(directory, 'exit')
  const text = `const storage = await library.openStorage({ store: process.argv.at(-1) })
    const dbs = await Promise.all(['a', 'b', 'c'].map((name) => storage.open(name)))
    await dbs[0].exec('CREATE TABLE IF NOT EXISTS t (a); INSERT INTO t VALUES (1)')
    dbs[0].transaction(async (tx) => { await tx.run('INSERT INTO t VALUES (2)'); await new Promise(() => {}) })
    dbs[1].get('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n')
    storage.open('d')
    setTimeout(() => process.exit(3), 50)`
  for (let round = 1; round <= 3; round += 1) {
    expect(await finished(runModule(text, store))).toEqual({ code: 3, signal: null, output: '' })
    const db = await openDatabase('a', { store })
    expect(await db.pluck('SELECT count(*) FROM t')).toBe(round)
    await db.close()
  }
})

test.each([
  ['process.exit', 'process.exit(7)', 7],
  ['an uncaught exception', 'setImmediate(() => { throw new Error("meant") })', 1],
])('%s waits for the threads of a store', async (_, end, code) => {
  const text = `const store = process.argv.at(-1)
    await library.openDatabase('a', { store })
    const db = library.openDatabaseSync('b', { store })
    db.exec('CREATE TABLE IF NOT EXISTS t (a)')
    ${end}`
  // A thread that met RocksDB's static objects destroyed would abort, about one time in four.
  for (let round = 0; round < 12; round += 1) {
    const ended = await finished(runModule(text, join(directory, `ended-${code}-${round}`)))
    expect(ended).toMatchObject({ code, signal: null })
  }
})

test('process.exit in a function that SQL calls', async () => {
  const text = `const db = library.openDatabaseSync('a', { store: process.argv.at(-1) })
    db.function('leave', () => process.exit(5))
    db.prepare('SELECT leave()').get()`
  for (let round = 0; round < 4; round += 1) {
    expect(await finished(runModule(text, join(directory, 'inside')))).toMatchObject({
      code: 5,
      signal: null,
    })
  }
})

const workerText = `
  const { workerData, parentPort } = require('node:worker_threads')
  import(workerData.library).then(async ({ openDatabase }) => {
    const db = await openDatabase(workerData.actor, { store: workerData.store })
    await db.exec('CREATE TABLE IF NOT EXISTS t (a)')
    await db.run('INSERT INTO t VALUES (1)')
    parentPort.postMessage(await db.pluck('SELECT count(*) FROM t'))
    if (workerData.endless) {
      for (;;) await db.get('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e6) SELECT max(i) FROM n')
    }
    if (workerData.close) await db.close()
  })`

function worker(store: string, actor: string, more: object = {}): Worker {
  const library = join(root, 'index.js')
  return new Worker(workerText, { eval: true, execArgv: [], workerData: { library, store, actor, ...more } })
}

test('workers in sequence and at once share one store', async () => {
  const store = join(directory, 'workers')
  for (let round = 1; round <= 3; round += 1) {
    const one = worker(store, 'sequence', { close: round !== 2 })
    const exit = once(one, 'exit')
    expect(await once(one, 'message')).toEqual([round])
    await exit
  }
  const many = Array.from({ length: 4 }, (_, n) => worker(store, `at-once-${n}`, { close: true }))
  const exits = many.map((it) => once(it, 'exit'))
  expect(await Promise.all(many.map(async (it) => (await once(it, 'message'))[0]))).toEqual([1, 1, 1, 1])
  await Promise.all(exits)
})

test('a worker that is terminated in the middle of a call leaves the others alone', async () => {
  const store = join(directory, 'terminated')
  const db = await openDatabase('main', { store })
  for (let round = 0; round < 3; round += 1) {
    const one = worker(store, 'victim', { endless: true })
    await once(one, 'message')
    await one.terminate()
    expect(await db.pluck('SELECT 1')).toBe(1)
  }
  const victim = await openDatabase('victim', { store })
  expect(await victim.pluck('SELECT count(*) FROM t')).toBe(3)
  await Promise.all([victim.close(), db.close()])
})

test('the only user of the addon may be a worker that comes and goes', async () => {
  const text = `import { Worker } from 'node:worker_threads'
    import { once } from 'node:events'
    for (let n = 0; n < 2; n += 1) {
      const worker = new Worker(${JSON.stringify(workerText)}, { eval: true, execArgv: [], workerData: JSON.parse(process.argv.at(-1)) })
      const exit = once(worker, 'exit')
      const [count] = await once(worker, 'message')
      process.stdout.write(String(count))
      await exit
    }`
  const data = { library: join(root, 'index.js'), store: join(directory, 'only-worker'), actor: 'a' }
  const alone = spawn(process.execPath, ['--input-type=module', '--eval', text, '--', JSON.stringify(data)])
  expect(await finished(alone)).toEqual({ code: 0, signal: null, output: '12' })
})

test('a database is not dropped while a loop or a statement works on it', async () => {
  const text = `const storage = await library.openStorage({ store: process.argv.at(-1) })
    const sql = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i FROM n'
    const [rows, statement] = await (async () => {
      const [a, b] = [await storage.open('a'), await storage.open('b')]
      return [a.iterate(sql), await b.prepare(sql)]
    })()
    let count = 0
    for await (const _ of rows) {
      if (count % 500 === 0) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)) }
      count += 1
    }
    console.log(count, (await statement.all()).length)
    await storage.close()`
  const child = runModule(`${EXPOSE_GC}\n${text}`, join(directory, 'kept'))
  expect(await finished(child)).toMatchObject({ code: 0, output: '2000 2000\n' })
})

test('a database is not dropped while a transaction or calls with options work on it', async () => {
  const text = `const storage = await library.openStorage({ store: process.argv.at(-1) })
    const collect = async () => {
      for (let n = 0; n < 5; n += 1) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)) }
    }
    const [running, scoped] = await (async () => {
      const [a, b] = [await storage.open('a'), await storage.open('b')]
      const running = a.transaction(async (tx) => {
        await collect()
        return await tx.savepoint((inner) => inner.pluck('SELECT 1'))
      })
      return [running, b.with({ timeoutMs: 10000 })]
    })()
    await collect()
    console.log(await running, await scoped.pluck('SELECT 2'))
    await storage.close()`
  const child = runModule(`${EXPOSE_GC}\n${text}`, join(directory, 'kept-too'))
  expect(await finished(child)).toMatchObject({ code: 0, output: '1 2\n' })
})

test('a dropped database is closed and said so', async () => {
  const text = `const warnings = []
    const logger = { debug() {}, info() {}, error() {}, warn: (details) => warnings.push(details.actor) }
    const storage = await library.openStorage({ store: process.argv.at(-1), logger })
    await (async () => { await (await storage.open('forgotten')).exec('CREATE TABLE t (a)') })()
    for (let n = 0; n < 50 && warnings.length === 0; n += 1) { gc(); await new Promise((resolve) => setTimeout(resolve, 20)) }
    console.log(warnings.join(), storage.metrics.openDatabases)
    await storage.close()`
  const child = runModule(`${EXPOSE_GC}\n${text}`, join(directory, 'dropped'))
  expect(await finished(child)).toMatchObject({ code: 0, output: 'forgotten 0\n' })
})

test('a storage that is closed leaves no database that was being opened', async () => {
  const storage = await openStorage({ store: join(directory, 'closing') })
  const opening = Promise.allSettled(['a', 'b', 'c'].map((actor) => storage.open(actor)))
  await storage.close()
  for (const outcome of await opening) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_CLOSED' } })
  }
  expect(storage.metrics.openDatabases).toBe(0)
})

test('a worker with endless calls in line can be terminated, and leaves the store to others', async () => {
  const store = join(directory, 'endless')
  const one = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads')
     import(workerData.library).then(async ({ openDatabase }) => {
       const db = await openDatabase('a', { store: workerData.store })
       const sql = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n'
       for (let n = 0; n < 5; n += 1) db.get(sql).catch(() => {})
       setTimeout(() => parentPort.postMessage('running'), 50)
     })`,
    { eval: true, execArgv: [], workerData: { library: join(root, 'index.js'), store } },
  )
  await once(one, 'message')
  await one.terminate()
  const db = await openDatabase('a', { store })
  expect(await db.pluck('SELECT 1')).toBe(1)
  await db.close()
})
