/** The storage as a fleet of actors: their names, listing them, looking for them, deleting them. */

import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Database, type ListOptions, openDatabase, openStorage, type Storage } from '../index.js'
import { newDatabase, rejection, runModule, sharedStorage, temporaryDirectory } from './support.js'

const CREATE = 'CREATE TABLE t (id INTEGER PRIMARY KEY, v)'

const newStorage = () => openStorage({ store: join(temporaryDirectory(), 'store') })

async function make(storage: Storage, name: string, namespace?: string): Promise<Database> {
  const db = await storage.open(name, { namespace })
  await db.exec(CREATE)
  return db
}

async function listed(storage: Storage, options?: ListOptions): Promise<string[][]> {
  const pages: string[][] = []
  for await (const names of storage.list(options)) pages.push(names)
  return pages
}

test('any text of up to 512 bytes is the name of an actor', async () => {
  const storage = await newStorage()
  // In the order of their bytes, which is not the one in which JavaScript compares the last two.
  const names = [
    '\u0001',
    '\n',
    ' ',
    "';--",
    '../../etc/passwd',
    'A',
    'a',
    'a/b',
    'e\u0301',
    'x'.repeat(512),
    'é',
    '日本語'.repeat(56),
    '\uffee',
    '👩‍👩‍👧‍👦',
  ]
  for (const [index, name] of names.entries()) {
    const db = await make(storage, name)
    expect(db.name).toBe(name)
    await db.run('INSERT INTO t (v) VALUES (?)', index)
    await db.close()
  }
  expect(await listed(storage)).toEqual([names])
  for (const [index, name] of names.entries()) {
    const db = await storage.open(name, { create: false })
    expect(await db.get('SELECT v FROM t')).toEqual({ v: index })
    await db.close()
    expect(await storage.listPage({ prefix: name })).toContain(name)
    expect(await storage.exists(name)).toBe(true)
    expect(await storage.delete(name)).toBe(true)
    expect(await storage.exists(name)).toBe(false)
  }
  expect(await listed(storage)).toEqual([])
  await storage.close()
})

test('what is no name is refused with a TypeError that says why', async () => {
  const storage = await sharedStorage()
  const calls: ((name: string) => Promise<unknown>)[] = [
    (name) => storage.open(name),
    (name) => storage.exists(name),
    (name) => storage.delete(name),
    (name) => storage.stat(name),
    (name) => storage.verify(name),
    (name) => openDatabase(name, { store: storage }),
  ]
  const wrong: [unknown, string][] = [
    ['', 'the name of an actor must be a string that is not empty, not the string ""'],
    [7, 'the name of an actor must be a string that is not empty, not a number'],
    [undefined, 'the name of an actor must be a string that is not empty, not undefined'],
    ['a\0b', 'without the character NUL'],
    ['\ud83d', 'well-formed'],
    ['a\udc00b', 'well-formed'],
    ['x'.repeat(513), 'at most 512 bytes of UTF-8'],
    ['é'.repeat(257), 'at most 512 bytes of UTF-8'],
  ]
  for (const [name, reason] of wrong) {
    for (const call of calls) {
      const error = await rejection(call(name as string))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toContain(reason)
    }
    if (name === '' || name === undefined) continue
    for (const option of ['namespace', 'prefix', 'after']) {
      const error = await rejection(storage.listPage({ [option]: name }))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toContain(`the option "${option}" must be a `)
    }
    await expect(storage.exists('a', { namespace: name as string })).rejects.toThrow(TypeError)
    await expect(storage.namespaceUsage(name as string)).rejects.toThrow('the name of a namespace must be a ')
  }
  for (const limit of [0, 1.5, 10_001, '7']) {
    expect(() => storage.list({ limit: limit as number })).toThrow('"limit" must be a number of names')
  }
  expect(() => storage.list({ perfix: 'a' } as ListOptions)).toThrow('options has no option "perfix"')
})

test('actors are listed in pages, by prefix and by namespace', async () => {
  const storage = await newStorage()
  const rooms = Array.from({ length: 25 }, (_, at) => `room-${String(at).padStart(2, '0')}`)
  const open = await Promise.all([...rooms, 'lobby', 'rooms'].map((name) => make(storage, name)))
  await Promise.all(['one', 'two'].map((name) => make(storage, name, 'tenant')))
  expect(await listed(storage, { prefix: 'room-' })).toEqual([rooms])
  expect(await listed(storage, { prefix: 'room-', limit: 10 })).toEqual([
    rooms.slice(0, 10),
    rooms.slice(10, 20),
    rooms.slice(20),
  ])
  expect(await listed(storage, { prefix: 'room-', limit: 5, after: 'room-14' })).toEqual([
    rooms.slice(15, 20),
    rooms.slice(20),
  ])
  expect(await storage.listPage({ after: 'room-23', limit: 2 })).toEqual(['room-24', 'rooms'])
  expect(await storage.listPage({ after: 'room-23x' })).toEqual(['room-24', 'rooms'])
  expect((await listed(storage)).flat()).toEqual(['lobby', ...rooms, 'rooms'])
  expect(await listed(storage, { namespace: 'tenant' })).toEqual([['one', 'two']])
  expect(await listed(storage, { namespace: 'nobody' })).toEqual([])
  // The list goes on over changes: what is deleted behind it is not shown, nor does it stop there.
  const seen: string[] = []
  for await (const names of storage.list({ prefix: 'room-', limit: 10 })) {
    seen.push(...names)
    await Promise.all(names.map((name) => storage.delete(name)))
  }
  expect(seen).toEqual(rooms)
  expect((await listed(storage)).flat()).toEqual(['lobby', 'rooms'])
  await Promise.all(open.map((db) => db.close()))
  await storage.close()
  const named = await openStorage({ store: storage.path, namespace: 'tenant' })
  expect(await named.listPage()).toEqual(['one', 'two'])
  expect(await named.exists('one')).toBe(true)
  expect(await named.delete('one')).toBe(true)
  expect(await named.listPage({ namespace: '' })).toEqual(['lobby', 'rooms'])
  await named.close()
  await expect(named.listPage()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
})

test('a deleted database is gone, and the next one of its name is empty', async () => {
  const storage = await sharedStorage()
  const db = await newDatabase({ pageSize: 8192 })
  const { name } = db
  await db.exec(CREATE)
  await db.close()
  let generation = (await storage.stat(name))?.generation ?? 0
  for (let life = 0; life < 3; life++) {
    expect(await storage.delete(name)).toBe(true)
    expect(await storage.delete(name)).toBe(false)
    expect(await storage.stat(name)).toBeUndefined()
    expect(await rejection(storage.open(name, { create: false }))).toMatchObject({ code: 'ERR_NOT_FOUND' })
    const next = await storage.open(name)
    expect(await next.all('SELECT name FROM sqlite_schema')).toEqual([])
    expect(await next.pragma('page_size', { simple: true })).toBe(4096)
    await next.exec(CREATE)
    const stat = await storage.stat(name)
    expect(stat?.generation).toBeGreaterThan(generation)
    generation = stat?.generation ?? 0
    expect((await storage.verify(name)).damage).toEqual([])
    await next.close()
  }
})

test('whoever has a deleted database open is fenced, in a transaction and asleep too', async () => {
  const storage = await sharedStorage()
  const fenced = { code: 'ERR_FENCED', actualGeneration: 0 }
  const idle = await newDatabase()
  await idle.exec(CREATE)
  await storage.delete(idle.name)
  const error = await rejection(idle.run('INSERT INTO t (v) VALUES (1)'))
  expect(error).toMatchObject(fenced)
  expect(error.message).toContain('was deleted')
  await idle.close()

  const busy = await newDatabase()
  await busy.exec(CREATE)
  const transaction = busy.transaction(async (tx) => {
    await tx.run('INSERT INTO t (v) VALUES (1)')
    await storage.delete(busy.name)
  })
  expect(await rejection(transaction)).toMatchObject(fenced)
  await busy.close()

  const asleep = await newDatabase({ idleTimeoutMs: 1 })
  await asleep.exec(CREATE)
  while (storage.metrics.sleep.asleep === 0) await setTimeout(5)
  await storage.delete(asleep.name)
  expect(await rejection(asleep.get('SELECT * FROM t'))).toMatchObject(fenced)
  // Nor does it wake up in a later database of its name.
  const later = await storage.open(asleep.name)
  await later.exec(CREATE)
  expect(await rejection(asleep.run('INSERT INTO t (v) VALUES (1)'))).toMatchObject({ code: 'ERR_FENCED' })
  expect(await later.all('SELECT * FROM t')).toEqual([])
  for (const db of [idle, busy]) expect(await storage.exists(db.name)).toBe(false)
  await asleep.close()
  await later.close()
})

test('many actors are made and deleted at once', async () => {
  const storage = await newStorage()
  const names = Array.from({ length: 100 }, (_, at) => `actor-${at}`)
  await Promise.all(
    names.map(async (name, at) => {
      for (let life = 0; life <= at % 3; life++) {
        const db = await make(storage, name, 'tenant')
        await db.run('INSERT INTO t (v) VALUES (?)', life)
        await db.close()
        const deleted = await Promise.all([1, 2].map(() => storage.delete(name, { namespace: 'tenant' })))
        expect(deleted).toContain(true)
      }
    }),
  )
  expect(await storage.listPage({ namespace: 'tenant' })).toEqual([])
  expect(await storage.namespaceUsage('tenant')).toBe(0)
  expect(storage.metrics.engine.databasesDeleted).toBe(199)
  await storage.close()
})

test('the room of a deleted database is given back to the disk', async () => {
  const storage = await newStorage()
  const size = () =>
    readdirSync(storage.path)
      // One may go meanwhile.
      .map((file) => statSync(join(storage.path, file), { throwIfNoEntry: false })?.size ?? 0)
      .reduce((sum, bytes) => sum + bytes)
  const db = await make(storage, 'large')
  await db.run(
    'INSERT INTO t (v) WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 8000) SELECT randomblob(3500) FROM n',
  )
  await db.close()
  expect(size()).toBeGreaterThan(24 << 20)
  await storage.delete('large')
  // Maintenance does it, when it has nothing else to do.
  while (size() > 4 << 20) await setTimeout(20)
  await storage.close()
})

test('a deletion that was answered survives the end of the process', async () => {
  const store = join(temporaryDirectory(), 'store')
  const child = runModule(
    `const storage = await library.openStorage({ store: process.argv.at(-1) })
     for (const name of ['kept', 'gone']) {
       const db = await storage.open(name)
       await db.exec('CREATE TABLE t (v); INSERT INTO t VALUES (1)')
     }
     console.log(await storage.delete('gone'))
     setInterval(() => {}, 1000)`,
    store,
  )
  const [answer] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  expect(String(answer)).toBe('true\n')
  child.kill('SIGKILL')
  await once(child, 'close')
  const storage = await openStorage({ store })
  expect(await storage.listPage()).toEqual(['kept'])
  expect(await storage.exists('gone')).toBe(false)
  await storage.close()
})
