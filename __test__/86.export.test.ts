/** Databases as SQLite files. Stock SQLite, which Node has or the system, says what is in them. */

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { type Database, openDatabase, openStorage } from '../index.js'
import {
  finished,
  newDatabase,
  rejection,
  root,
  runModule,
  sharedStorage,
  stock,
  temporaryDirectory,
} from './support.js'

const FILL = `INSERT INTO t (v) WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)
  SELECT randomblob(?) FROM n`
const CREATE = 'CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB); CREATE INDEX i ON t (v)'

async function filled(rows: number, options = {}): Promise<Database> {
  const db = await newDatabase(options)
  await db.exec(CREATE)
  await db.run(FILL, rows, 1000)
  return db
}

const hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

test.each([512, 1024, 4096, 65536])(
  'a database of pages of %i bytes is a file that SQLite takes',
  async (pageSize) => {
    const db = await filled(300, { pageSize })
    await db.run('DELETE FROM t WHERE id % 3 = 0')
    const path = join(temporaryDirectory(), 'a.db')
    const info = await db.export(path)
    const bytes = readFileSync(path)
    expect(info).toEqual({ pages: bytes.length / pageSize, bytes: bytes.length, sha256: hex(bytes) })
    expect([...bytes.subarray(18, 20)]).toEqual([1, 1])
    expect(hex(await db.serialize())).toBe(info.sha256)
    expect(stock(path, 'PRAGMA integrity_check; PRAGMA page_size; PRAGMA journal_mode')).toEqual([
      'ok',
      String(pageSize),
      'delete',
    ])
    const sum = 'SELECT count(*), sum(length(v)), min(hex(substr(v, 1, 8))), max(hex(v)) FROM t'
    expect(stock(path, sum)).toEqual([(await db.all(sum)).map((row) => Object.values(row).join('|')).join()])
    await db.close()
  },
)

test('a database without a commit is an empty file', async () => {
  const db = await newDatabase()
  const path = join(temporaryDirectory(), 'a.db')
  const seen: unknown[] = []
  const info = await db.export(path, { onProgress: (progress) => seen.push(progress) })
  expect(info).toEqual({ pages: 0, bytes: 0, sha256: hex(new Uint8Array()) })
  expect(readFileSync(path)).toHaveLength(0)
  expect(seen).toEqual([])
  expect(await db.serialize()).toHaveLength(0)
  expect(stock(path, 'SELECT count(*) FROM sqlite_schema')).toEqual(['0'])
  await db.close()
})

test('a writer goes on while one state is exported', async () => {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB, round INTEGER)')
  await db.run(FILL, 3000, 3000)
  await db.run('UPDATE t SET round = 0')
  const path = join(temporaryDirectory(), 'a.db')
  const remaining: number[] = []
  let total = 0
  let rounds = 0
  const exporting = db.export(path, {
    onProgress: ({ totalPages, remainingPages }) => {
      total = totalPages
      remaining.push(remainingPages)
    },
  })
  let done = false
  const exported = exporting.finally(() => {
    done = true
  })
  while (!done) {
    rounds += 1
    // Every row says the same in every state that was committed.
    await db.run('UPDATE t SET round = ?, v = randomblob(2000)', rounds)
    if (rounds % 3 === 0) await db.exec('VACUUM')
  }
  const info = await exported
  expect(remaining.length).toBeGreaterThan(3)
  expect(remaining).toEqual([...remaining].sort((a, b) => b - a))
  expect(remaining.at(-1)).toBe(0)
  expect(info.pages).toBe(total)
  expect(rounds).toBeGreaterThan(0)
  expect(stock(path, 'PRAGMA integrity_check; SELECT count(DISTINCT round), count(*) FROM t')).toEqual([
    'ok',
    '1|3000',
  ])
  await db.close()
})

test('calls made before are in it, and an open transaction is not', async () => {
  const db = await newDatabase({ durability: 'gated' })
  await db.exec('CREATE TABLE t (a)')
  const directory = temporaryDirectory()
  const calls = [1, 2, 3].map((number) => db.run('INSERT INTO t VALUES (?)', number))
  await db.export(join(directory, 'before.db'))
  await Promise.all(calls)
  expect(stock(join(directory, 'before.db'), 'SELECT sum(a) FROM t')).toEqual(['6'])
  await db.transaction(async (tx) => {
    await tx.run('INSERT INTO t VALUES (100)')
    await db.export(join(directory, 'inside.db'))
    expect(await db.serialize()).toEqual(new Uint8Array(readFileSync(join(directory, 'inside.db'))))
  })
  expect(stock(join(directory, 'inside.db'), 'SELECT sum(a) FROM t')).toEqual(['6'])
  await db.close()
})

test('a storage exports what is not open, and what is open elsewhere', async () => {
  const storage = await sharedStorage()
  const db = await storage.open('somebody', { namespace: 'other' })
  await db.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
  const directory = temporaryDirectory()
  await storage.export('somebody', join(directory, 'open.db'), { namespace: 'other' })
  await db.run('INSERT INTO t VALUES (2)')
  await db.close()
  await storage.export('somebody', pathToFileURL(join(directory, 'closed.db')), { namespace: 'other' })
  expect(stock(join(directory, 'open.db'), 'SELECT sum(a) FROM t')).toEqual(['1'])
  expect(stock(join(directory, 'closed.db'), 'SELECT sum(a) FROM t')).toEqual(['3'])
  const nobody = await rejection(storage.export('nobody', join(directory, 'nobody.db')))
  expect(nobody).toMatchObject({ code: 'ERR_NOT_FOUND' })
  expect(readdirSync(directory).sort()).toEqual(['closed.db', 'open.db'])
})

test('what exists is kept, unless it may be overwritten', async () => {
  const db = await filled(10)
  const directory = temporaryDirectory()
  const path = join(directory, 'a.db')
  writeFileSync(path, 'mine')
  expect(await rejection(db.export(path))).toMatchObject({ code: 'ERR_EXISTS', path })
  expect(readFileSync(path, 'utf8')).toBe('mine')
  await db.export(path, { overwrite: true })
  expect(stock(path, 'SELECT count(*) FROM t')).toEqual(['10'])
  // SQLite would play these into the new file.
  for (const suffix of ['-wal', '-journal']) {
    const other = join(directory, `b.db`)
    writeFileSync(other + suffix, 'old')
    for (const overwrite of [false, true]) {
      expect(await rejection(db.export(other, { overwrite }))).toMatchObject({
        code: 'ERR_EXISTS',
        path: other + suffix,
      })
    }
    expect(existsSync(other)).toBe(false)
    writeFileSync(other + suffix, '')
    execFileSync('rm', [other + suffix])
  }
  // Somebody may be faster.
  const onProgress = () => {
    if (!existsSync(join(directory, 'c.db'))) writeFileSync(join(directory, 'c.db'), 'theirs')
  }
  expect(await rejection(db.export(join(directory, 'c.db'), { onProgress }))).toMatchObject({
    code: 'ERR_EXISTS',
  })
  expect(readFileSync(join(directory, 'c.db'), 'utf8')).toBe('theirs')
  mkdirSync(join(directory, 'd.db'))
  await rejection(db.export(join(directory, 'd.db'), { overwrite: true }))
  expect(await rejection(db.export(join(directory, 'none', 'e.db')))).toMatchObject({ code: 'ENOENT' })
  expect(readdirSync(directory).sort()).toEqual(['a.db', 'c.db', 'd.db'])
  await db.close()
})

test('an export that is given up or fails leaves nothing behind', async () => {
  const db = await filled(3000)
  const directory = temporaryDirectory()
  const path = join(directory, 'a.db')
  const reason = new Error('enough')
  const aborted = new AbortController()
  aborted.abort(reason)
  expect(await rejection(db.export(path, { signal: aborted.signal }))).toBe(reason)
  const controller = new AbortController()
  const onProgress = () => {
    expect(readdirSync(directory)).toHaveLength(1)
    controller.abort(reason)
  }
  expect(await rejection(db.export(path, { signal: controller.signal, onProgress }))).toBe(reason)
  const thrown = () => {
    throw reason
  }
  expect(await rejection(db.export(path, { onProgress: thrown }))).toBe(reason)
  const late = new AbortController()
  const atTheEnd = ({ remainingPages }: { remainingPages: number }) => {
    if (remainingPages === 0) late.abort(reason)
  }
  expect(await rejection(db.export(path, { signal: late.signal, onProgress: atTheEnd }))).toBe(reason)
  expect(await rejection(db.serialize({ signal: aborted.signal }))).toBe(reason)
  expect(readdirSync(directory)).toEqual([])
  await db.export(path)
  expect(readdirSync(directory)).toEqual(['a.db'])
  await db.close()
})

test('streams get the bytes, are ended, and are told when it fails', async () => {
  const db = await filled(3000)
  const expected = hex(await db.serialize())
  const gathered: Uint8Array[] = []
  let closed = false
  const web = new WritableStream<Uint8Array>({
    write: (chunk) => {
      gathered.push(chunk)
    },
    close: () => {
      closed = true
    },
  })
  expect(await db.export(web)).toMatchObject({ sha256: expected })
  expect(closed).toBe(true)
  expect(hex(Buffer.concat(gathered))).toBe(expected)
  const through = new PassThrough()
  const [info, chunks] = await Promise.all([db.export(through), through.toArray()])
  expect(info.sha256).toBe(expected)
  expect(hex(Buffer.concat(chunks))).toBe(expected)

  const broken = new Error('no more')
  const failing = new Writable({ write: (_chunk, _encoding, callback) => callback(broken) })
  expect(await rejection(db.export(failing))).toBe(broken)
  const refusing = new WritableStream<Uint8Array>({
    write: () => {
      throw broken
    },
  })
  expect(await rejection(db.export(refusing))).toBe(broken)
  // Nobody reads these.
  const stuck = [
    new WritableStream<Uint8Array>({ write: () => new Promise(() => {}) }),
    new Writable({ write: () => {}, highWaterMark: 1 }),
  ] as const
  for (const stream of stuck) {
    const controller = new AbortController()
    const exporting = rejection(db.export(stream, { signal: controller.signal }))
    setTimeout(() => controller.abort(broken), 20)
    expect(await exporting).toBe(broken)
  }
  expect(stuck[1].destroyed).toBe(true)
  const destroyed = new PassThrough()
  destroyed.destroy()
  await rejection(db.export(destroyed))
  await db.close()
})

test('closing a database waits for its exports, closing a storage ends them', async () => {
  const directory = temporaryDirectory()
  const db = await openDatabase('a', { store: join(directory, 'store') })
  await db.exec(CREATE)
  await db.run(FILL, 3000, 1000)
  const exporting = db.export(join(directory, 'a.db'))
  await db.close()
  await exporting
  expect(stock(join(directory, 'a.db'), 'SELECT count(*) FROM t')).toEqual(['3000'])
  expect(await rejection(db.export(join(directory, 'b.db')))).toMatchObject({ code: 'ERR_CLOSED' })

  const storage = await openStorage({ store: join(directory, 'store') })
  const again = await storage.open('a')
  const stuck = new WritableStream<Uint8Array>({ write: () => new Promise(() => {}) })
  const [one, two] = [rejection(again.export(stuck)), rejection(storage.export('a', join(directory, 'b.db')))]
  // Both have a reader by then, or never get one.
  await storage.stat('a')
  await storage.close()
  expect(await one).toMatchObject({ code: 'ERR_CLOSED' })
  expect(await two).toMatchObject({ code: 'ERR_CLOSED' })
  expect(await rejection(storage.export('a', join(directory, 'b.db')))).toMatchObject({ code: 'ERR_CLOSED' })
  expect(readdirSync(directory).sort()).toEqual(['a.db', 'store'])
  // The store is let go: another process can have it.
  const child = runModule(
    `const storage = await library.openStorage({ store: process.argv[1] }); await storage.close(); console.log('had it')`,
    join(directory, 'store'),
  )
  expect((await finished(child)).output).toContain('had it')
})

test('an environment that ends in the middle of an export lets the store go', async () => {
  const directory = temporaryDirectory()
  const child = runModule(
    `import { Worker } from 'node:worker_threads'
    const [store, worker] = process.argv.slice(1)
    const endInTheMiddle = async () => {
      const db = await library.openDatabase('a', { store })
      await db.exec('CREATE TABLE IF NOT EXISTS t (v); INSERT INTO t VALUES (zeroblob(5000000))')
      const write = () => new Promise(() => setTimeout(() => process.exit(0), 10))
      void db.export(new WritableStream({ write }))
    }
    const source = 'import * as library from ' + JSON.stringify(worker) + '; const store = ' + JSON.stringify(store)
      + '; await (' + endInTheMiddle + ')()'
    const ending = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)))
    console.log('exit', await new Promise((resolve) => ending.once('exit', resolve)))
    const storage = await library.openStorage({ store })
    console.log('pages', (await storage.stat('a')).pages)
    await storage.close()`,
    join(directory, 'store'),
    pathToFileURL(join(root, 'index.js')).href,
  )
  const { code, output } = await finished(child)
  expect(output).toMatch(/exit 0\npages 12\d\d/)
  expect(code).toBe(0)
})

test('what cannot be exported to is named', async () => {
  const db = await newDatabase()
  const storage = await sharedStorage()
  const path = join(temporaryDirectory(), 'a.db')
  for (const to of ['', 7, undefined, {}, new URL('http://a/b'), new ReadableStream()]) {
    const error = await rejection(db.export(to as unknown as string))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('an export goes to')
  }
  for (const [options, named] of [
    [{ overwrite: 1 }, '"overwrite"'],
    [{ onProgress: true }, '"onProgress"'],
    [{ signal: {} }, '"signal"'],
    [{ over: true }, 'no option "over"'],
    [{ namespace: 'a' }, 'no option "namespace"'],
  ] as const) {
    const error = await rejection(db.export(path, options as object))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(named)
  }
  await expect(db.serialize({ overwrite: true } as object)).rejects.toThrow('no option "overwrite"')
  await expect(storage.export('', path)).rejects.toThrow(TypeError)
  await expect(storage.export('a', path, { namespace: 1 } as object)).rejects.toThrow('"namespace"')
  expect(existsSync(path)).toBe(false)
  await db.close()
})
