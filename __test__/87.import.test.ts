/** SQLite files that become databases. Stock SQLite makes them. */

import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { openStorage, type Storage } from '../index.js'
import {
  finished,
  randomNumbers,
  rejection,
  root,
  runModule,
  seed,
  sharedStorage,
  stock,
  temporaryDirectory,
} from './support.js'

const directory = temporaryDirectory()
let storage: Storage
let names = 0

beforeAll(async () => {
  storage = await sharedStorage()
})

const newName = (): string => {
  names += 1
  return `imported-${names}`
}

const FILL = `WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
  INSERT INTO t SELECT i, hex(randomblob(100)) FROM n; DELETE FROM t WHERE id % 7 = 0;`

/** A file that stock SQLite makes after some pragmas. */
function made(pragmas = '', more = ''): string {
  names += 1
  const path = join(directory, `file-${names}.db`)
  stock(
    path,
    `${pragmas} CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX i ON t (v); ${FILL} ${more}`,
  )
  return path
}

const hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** The bytes that come out again. */
async function roundTrip(path: string): Promise<Uint8Array> {
  const name = newName()
  await storage.import(name, path)
  const db = await storage.open(name, { create: false })
  expect(await db.pragma('integrity_check', { simple: true })).toBe('ok')
  const bytes = await db.serialize()
  const sum = 'SELECT count(*), sum(id), min(v), max(v) FROM t'
  expect([(await db.all(sum)).map((row) => Object.values(row).join('|')).join()]).toEqual(stock(path, sum))
  // It is a database as any other.
  await db.run("INSERT INTO t (v) VALUES ('more')")
  await db.exec('VACUUM')
  expect(await db.pragma('integrity_check', { simple: true })).toBe('ok')
  await db.close()
  expect((await storage.verify(name)).damage).toEqual([])
  return bytes
}

test.each([
  ...[512, 1024, 2048, 4096, 8192, 16384, 32768, 65536].map((bytes) => `page_size = ${bytes}`),
  'auto_vacuum = full',
  'auto_vacuum = incremental',
  "encoding = 'UTF-16le'",
  "encoding = 'UTF-16be'",
  'user_version = 7',
])('a file with %s comes out as it came in', async (pragma) => {
  const path = made(`PRAGMA ${pragma};`)
  expect(hex(await roundTrip(path))).toBe(hex(readFileSync(path)))
})

test('a file in WAL mode comes out as one with a rollback journal', async () => {
  const path = made('', 'PRAGMA journal_mode = WAL;')
  const before = readFileSync(path)
  expect([...before.subarray(18, 20)]).toEqual([2, 2])
  expect(existsSync(`${path}-wal`)).toBe(false)
  before.fill(1, 18, 20)
  expect(hex(await roundTrip(path))).toBe(hex(before))
})

test('paths, bytes and streams give the same', async () => {
  const path = made()
  const bytes = new Uint8Array(readFileSync(path))
  const info = { pages: bytes.length / 4096, bytes: bytes.length, sha256: hex(bytes) }
  async function* pieces() {
    const random = randomNumbers()
    for (let at = 0; at < bytes.length; ) {
      const length = Math.floor(random() * 3 === 0 ? 0 : random() * 9000)
      yield bytes.slice(at, at + length)
      at += length
    }
  }
  console.log(`SEED=${seed}`)
  const sources = [
    path,
    pathToFileURL(path),
    bytes,
    createReadStream(path),
    new Blob([bytes]).stream(),
    pieces(),
  ]
  for (const source of sources) {
    const name = newName()
    const seen: { bytes: number; totalBytes: number | undefined }[] = []
    expect(await storage.import(name, source, { onProgress: (progress) => seen.push(progress) })).toEqual(
      info,
    )
    expect(seen.at(-1)?.bytes).toBe(bytes.length)
    const db = await storage.open(name)
    expect(hex(await db.serialize())).toBe(info.sha256)
    await db.close()
  }
})

test('an empty file is an empty database', async () => {
  const name = newName()
  expect(await storage.import(name, new Uint8Array())).toEqual({
    pages: 0,
    bytes: 0,
    sha256: hex(new Uint8Array()),
  })
  const db = await storage.open(name, { create: false })
  expect(await db.serialize()).toHaveLength(0)
  await db.exec('CREATE TABLE t (a)')
  await db.close()
  const error = await rejection(storage.import(name, new Uint8Array(), { overwrite: true }))
  expect(error).toMatchObject({ code: 'ERR_EXISTS', message: expect.stringContaining('delete it first') })
})

test('a database is replaced only if that was said, and in one step', async () => {
  const name = newName()
  const [one, two] = [made(), made('', 'DELETE FROM t WHERE id > 20; VACUUM;')]
  await storage.import(name, one)
  expect(await rejection(storage.import(name, two))).toMatchObject({ code: 'ERR_EXISTS' })
  const db = await storage.open(name)
  expect(await db.pluck('SELECT count(*) FROM t')).toBe(1715)
  // A file that is refused leaves what was there.
  const damaged = readFileSync(two)
  damaged.fill(0x5a, 4096, 8192)
  const refused = await rejection(storage.import(name, damaged, { overwrite: true }))
  expect(refused).toMatchObject({ code: 'ERR_INVALID_FILE' })
  expect(await rejection(db.run('DELETE FROM t'))).toMatchObject({ code: 'ERR_FENCED' })
  await db.close()
  const again = await storage.open(name)
  expect(hex(await again.serialize())).toBe(hex(readFileSync(one)))
  await storage.import(name, two, { overwrite: true })
  expect(await rejection(again.run('DELETE FROM t'))).toMatchObject({ code: 'ERR_FENCED' })
  await again.close()
  const last = await storage.open(name)
  expect(hex(await last.serialize())).toBe(hex(readFileSync(two)))
  await last.close()
  const other = made('PRAGMA page_size = 8192;')
  expect(await rejection(storage.import(name, other, { overwrite: true }))).toMatchObject({
    code: 'ERR_EXISTS',
    message: expect.stringContaining('pages of 8192 bytes, the database of 4096'),
  })
  // One that was opened and never written to has nothing to lose.
  const fresh = newName()
  await (await storage.open(fresh)).close()
  expect(await rejection(storage.import(fresh, other))).toMatchObject({ code: 'ERR_EXISTS' })
  await storage.import(fresh, other, { overwrite: true })
  expect((await storage.stat(fresh))?.pageSize).toBe(8192)
})

test('what is no database, or a damaged one, is refused and leaves nothing', async () => {
  const path = made()
  const good = readFileSync(path)
  const pageCount = good.length / 4096
  const changed = (change: (bytes: Buffer) => Buffer | unknown): Buffer => {
    const bytes = Buffer.from(good)
    const result = change(bytes)
    return result instanceof Buffer ? result : bytes
  }
  const cases: [string, Buffer, string][] = [
    ['text', Buffer.from('hello '.repeat(1000)), 'does not begin like'],
    ['short', good.subarray(0, 60), 'ends in its header'],
    ['cut', good.subarray(0, good.length - 100), 'no whole number of pages'],
    ['without its last page', good.subarray(0, good.length - 4096), `its header says ${pageCount}`],
    ['with a page more', Buffer.concat([good, Buffer.alloc(4096)]), `its header says ${pageCount}`],
    ['page size 0', changed((b) => b.writeUInt16BE(0, 16)), 'page size of 0'],
    ['page size 5000', changed((b) => b.writeUInt16BE(5000, 16)), 'page size of 5000'],
    ['version 3', changed((b) => b.fill(3, 19, 20)), 'unknown format 1 / 3'],
    ['payload fractions', changed((b) => b.fill(65, 21, 22)), 'payload fractions'],
    ['reserved bytes', changed((b) => b.fill(80, 20, 21)), ''],
    ['schema format', changed((b) => b.writeUInt32BE(9, 44)), 'unsupported file format'],
    ['a wild root page', changed((b) => b.fill(0xff, 100, 112)), ''],
    ['a page of zeros', changed((b) => b.fill(0, 3 * 4096, 4 * 4096)), ''],
    ['free list', changed((b) => b.writeUInt32BE(pageCount + 9, 32)), ''],
    ['pages in a circle', changed((b) => b.copy(b, 5 * 4096, 4096, 2 * 4096)), ''],
  ]
  for (const [what, bytes, words] of cases) {
    const name = newName()
    const error = await rejection(storage.import(name, bytes))
    expect(error, what).toMatchObject({ code: 'ERR_INVALID_FILE' })
    expect(error.message, what).toContain(words)
    expect(await storage.stat(name), what).toBeUndefined()
  }
})

test('what bytes are changed at random is refused, or sound', async () => {
  console.log(`SEED=${seed}`)
  const random = randomNumbers()
  const below = (end: number) => Math.floor(random() * end)
  const good = readFileSync(made('PRAGMA page_size = 512;', 'DELETE FROM t WHERE id > 300; VACUUM;'))
  const rounds = Number(process.env['IMPORTS'] ?? 60)
  let refused = 0
  for (let round = 0; round < rounds; round += 1) {
    const bytes = Buffer.from(good)
    for (let left = 1 + below(3); left > 0; left -= 1) {
      const at = random() < 0.5 ? below(600) : below(bytes.length)
      bytes[at] = below(256)
    }
    const name = newName()
    try {
      await storage.import(name, bytes)
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_INVALID_FILE' })
      expect(await storage.stat(name)).toBeUndefined()
      refused += 1
      continue
    }
    expect((await storage.verify(name)).damage).toEqual([])
    const db = await storage.open(name)
    expect(await db.pragma('quick_check', { simple: true })).toBe('ok')
    await db.close()
  }
  expect(refused).toBeGreaterThan(0)
})

test('a file with a journal beside it, or that changes, is refused by its path', async () => {
  const path = made()
  for (const suffix of ['-wal', '-journal']) {
    writeFileSync(path + suffix, Buffer.from([0x37, 0x7f]))
    const error = await rejection<Error & { path?: string }>(storage.import(newName(), path))
    expect(error).toMatchObject({ code: 'ERR_INVALID_FILE', path })
    expect(error.message).toContain(path + suffix)
    // One that is kept, and holds nothing.
    writeFileSync(path + suffix, Buffer.alloc(suffix === '-wal' ? 0 : 512))
  }
  await storage.import(newName(), path)
  const name = newName()
  let changed = false
  const onProgress = () => {
    if (!changed) stock(path, "UPDATE t SET v = 'other' WHERE id = 1")
    changed = true
  }
  expect(await rejection(storage.import(name, path, { onProgress }))).toMatchObject({
    code: 'ERR_INVALID_FILE',
  })
  expect(await storage.stat(name)).toBeUndefined()
  mkdirSync(join(directory, 'folder'))
  expect(await rejection(storage.import(name, join(directory, 'folder')))).toMatchObject({
    path: join(directory, 'folder'),
  })
  expect(await rejection(storage.import(name, join(directory, 'missing')))).toMatchObject({ code: 'ENOENT' })
})

test('an import that is given up or fails leaves nothing', async () => {
  const big = new Uint8Array(
    readFileSync(made('', `${FILL.replaceAll('i, hex', 'i + 100000, hex').replace('2000', '60000')}`)),
  )
  expect(big.length).toBeGreaterThan(9 << 20)
  const reason = new Error('enough')
  const name = newName()
  const aborted = new AbortController()
  aborted.abort(reason)
  expect(await rejection(storage.import(name, big, { signal: aborted.signal }))).toBe(reason)
  for (const after of [1, 5 << 20, big.length]) {
    const controller = new AbortController()
    const onProgress = ({ bytes }: { bytes: number }) => bytes >= after && controller.abort(reason)
    expect(await rejection(storage.import(name, big, { signal: controller.signal, onProgress }))).toBe(reason)
    expect(await storage.stat(name)).toBeUndefined()
  }
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield big.subarray(0, 6 << 20)
    throw reason
  }
  expect(await rejection(storage.import(name, broken()))).toBe(reason)
  async function* stuck(): AsyncGenerator<Uint8Array> {
    yield big.subarray(0, 6 << 20)
    await new Promise(() => {})
  }
  const controller = new AbortController()
  setTimeout(() => controller.abort(reason), 100)
  expect(await rejection(storage.import(name, stuck(), { signal: controller.signal }))).toBe(reason)
  async function* words() {
    yield 'SQLite format 3'
  }
  const error = await rejection(storage.import(name, words() as unknown as AsyncIterable<Uint8Array>))
  expect(error).toBeInstanceOf(TypeError)
  expect(await storage.stat(name)).toBeUndefined()
  // Whoever opens it meanwhile has it, and keeps it.
  let theirs: Promise<unknown> | undefined
  const onProgress = ({ bytes }: { bytes: number }) => {
    if (bytes < 6 << 20 || theirs !== undefined) return
    theirs = storage.open(name).then(async (db) => {
      await db.exec('CREATE TABLE mine (a)')
      await db.close()
    })
  }
  async function* slow() {
    for (let at = 0; at < big.length; at += 1 << 20) {
      yield big.subarray(at, at + (1 << 20))
      await theirs
    }
  }
  expect(await rejection(storage.import(name, slow(), { onProgress }))).toMatchObject({ code: 'ERR_FENCED' })
  const db = await storage.open(name)
  expect(await db.pluck('SELECT name FROM sqlite_schema')).toBe('mine')
  await db.close()
  await storage.import(name, big, { overwrite: true })
  expect((await storage.verify(name)).damage).toEqual([])
})

test('quotas hold for imports', async () => {
  const path = made()
  const store = await openStorage({ store: join(temporaryDirectory(), 'store'), quotaBytes: 100_000 })
  expect(await rejection(store.import('a', path))).toMatchObject({ code: 'ERR_QUOTA' })
  expect(await store.stat('a')).toBeUndefined()
  await store.close()
})

test('closing a storage ends its imports, and so does the end of an environment', async () => {
  const bytes = readFileSync(
    made('', `${FILL.replaceAll('i, hex', 'i + 100000, hex').replace('2000', '60000')}`),
  )
  const place = join(temporaryDirectory(), 'store')
  const store = await openStorage({ store: place })
  async function* stuck(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 6 << 20)
    await new Promise(() => {})
  }
  let begun = () => {}
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  const importing = rejection(
    store.import('a', stuck(), { onProgress: ({ bytes }) => bytes >= 5 << 20 && begun() }),
  )
  await hasBegun
  await store.close()
  expect(await importing).toMatchObject({ code: 'ERR_CLOSED' })
  const file = join(directory, 'big.db')
  writeFileSync(file, bytes)
  const child = runModule(
    `import { Worker } from 'node:worker_threads'
    const [store, url, file] = process.argv.slice(1)
    const source = \`
      import * as library from \${JSON.stringify(url)}
      import { readFileSync } from 'node:fs'
      const storage = await library.openStorage({ store: \${JSON.stringify(store)} })
      const bytes = readFileSync(\${JSON.stringify(file)})
      async function* stuck() { yield bytes.subarray(0, 6 << 20); await new Promise(() => {}) }
      void storage.import('b', stuck(), { onProgress: ({ bytes }) => bytes >= 5 << 20 && process.exit(0) })\`
    const ending = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)))
    console.log('exit', await new Promise((resolve) => ending.once('exit', resolve)))
    const storage = await library.openStorage({ store })
    console.log('there', await storage.stat('a'), await storage.stat('b'))
    await storage.close()`,
    place,
    pathToFileURL(join(root, 'index.js')).href,
    file,
  )
  const { code, output } = await finished(child)
  expect(output).toMatch(/exit 0\nthere undefined undefined/)
  expect(code).toBe(0)
})

test('what cannot be imported is named', async () => {
  for (const from of ['', 7, undefined, {}, [], new URL('http://a/b')]) {
    const error = await rejection(storage.import('a', from as unknown as string))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('an import comes from')
  }
  for (const [options, named] of [
    [{ overwrite: 1 }, '"overwrite"'],
    [{ onProgress: true }, '"onProgress"'],
    [{ signal: {} }, '"signal"'],
    [{ replace: true }, 'no option "replace"'],
    [{ namespace: 1 }, '"namespace"'],
  ] as const) {
    const error = await rejection(storage.import('a', new Uint8Array(), options as object))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(named)
  }
  await expect(storage.import('', new Uint8Array())).rejects.toThrow(TypeError)
})
