/** The driver adapter for Prisma: with its real client, and by the contract of its adapters. */

import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils'
import { PrismaActorSqlite } from 'actor-sqlite/prisma'
import { afterEach, describe, expect, test } from 'vitest'
import type { Database } from '../../index.js'
import { newDatabase, rejection, sharedStorage } from '../support.js'
import { type Client, PrismaClient } from './prisma/client.js'

/** What Prisma's migrations make of prisma/schema.prisma. */
const TABLES = `
  CREATE TABLE "User" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "email" TEXT NOT NULL, "big" BIGINT, "born" DATETIME,
    "data" BLOB, "score" REAL, "price" DECIMAL, "active" BOOLEAN NOT NULL DEFAULT false, "meta" JSONB
  );
  CREATE UNIQUE INDEX "User_email_key" ON "User" ("email");
  CREATE TABLE "Post" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "title" TEXT NOT NULL, "authorId" INTEGER NOT NULL,
    CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User" ("id")
      ON DELETE RESTRICT ON UPDATE CASCADE
  );
`

const connected: Client[] = []

afterEach(async () => {
  await Promise.all(connected.splice(0).map((prisma) => prisma.$disconnect()))
})

async function connect(
  options?: ConstructorParameters<typeof PrismaActorSqlite>[1],
): Promise<{ prisma: Client; database: Database }> {
  const database = await newDatabase()
  await database.exec(TABLES)
  const prisma = new PrismaClient({ adapter: new PrismaActorSqlite({ database }, options) })
  connected.push(prisma)
  return { prisma, database }
}

describe('the client', () => {
  const full = {
    email: 'ada@x',
    big: 2n ** 62n,
    born: new Date('1815-12-10T01:02:03.004Z'),
    data: Uint8Array.of(1, 2, 255),
    score: 1.5,
    active: true,
    meta: { a: [1, null] },
  }

  test('writes and reads values of all types', async () => {
    const { prisma, database } = await connect()
    const made = await prisma.user.create({ data: { ...full, price: '12.25' } })
    expect(made).toMatchObject({ id: 1, ...full })
    expect(String(made['price'])).toBe('12.25')
    const nothing = await prisma.user.create({ data: { email: 'bob@x' } })
    expect(nothing).toEqual({
      id: 2,
      email: 'bob@x',
      big: null,
      born: null,
      data: null,
      score: null,
      price: null,
      active: false,
      meta: null,
    })
    expect(await database.values('SELECT typeof(big), born, active FROM "User" WHERE id = 1')).toEqual([
      ['integer', '1815-12-10T01:02:03.004+00:00', 1],
    ])
    expect(
      await prisma.user.findFirst({ where: { born: full.born, big: full.big, data: full.data } }),
    ).toEqual(made)
  })

  test('stores dates as milliseconds if it is told to', async () => {
    const { prisma, database } = await connect({ timestampFormat: 'unixepoch-ms' })
    await prisma.user.create({ data: full })
    expect(await database.pluck('SELECT born FROM "User"')).toBe(full.born.getTime())
    expect(await prisma.user.findFirst({ where: { born: { lte: full.born } } })).toMatchObject(full)
  })

  test('follows relations, and counts', async () => {
    const { prisma } = await connect()
    await prisma.user.create({ data: { email: 'ada', posts: { create: [{ title: 'a' }, { title: 'b' }] } } })
    await prisma.user.createMany({ data: [{ email: 'bob' }, { email: 'cy' }] })
    const [ada] = await prisma.user.findMany({
      where: { posts: { some: { title: { startsWith: 'b' } } } },
      include: { posts: { orderBy: { id: 'desc' } }, _count: { select: { posts: true } } },
    })
    expect(ada).toMatchObject({ email: 'ada', _count: { posts: 2 }, posts: [{ title: 'b' }, { title: 'a' }] })
    const total = await prisma.user.aggregate({
      _count: { _all: true },
      _max: { id: true },
      _avg: { id: true },
    })
    expect(total).toMatchObject({ _count: { _all: 3 }, _max: { id: 3 }, _avg: { id: 2 } })
    expect(await prisma.post.groupBy({ by: ['authorId'], _count: true })).toEqual([
      { authorId: 1, _count: 2 },
    ])
    expect(await prisma.user.deleteMany({ where: { email: { in: ['bob', 'cy'] } } })).toEqual({ count: 2 })
  })

  test('updates, and inserts where there is nothing', async () => {
    const { prisma } = await connect()
    const upsert = () =>
      prisma.user.upsert({
        where: { email: 'ada' },
        create: { email: 'ada' },
        update: { score: { increment: 2 } },
      })
    expect(await upsert()).toMatchObject({ score: null })
    await prisma.user.update({ where: { id: 1 }, data: { score: 1 } })
    expect(await upsert()).toMatchObject({ id: 1, score: 3 })
  })

  test('runs SQL text', async () => {
    const { prisma } = await connect()
    expect(await prisma.$executeRaw`INSERT INTO "User" (email) VALUES (${'ada'}), ('bob')`).toBe(2)
    expect(
      await prisma.$queryRaw`SELECT id, email, ${1.5} AS real, x'01' AS blob, NULL AS no FROM "User" WHERE id = 1`,
    )
      // An integer of a column that has a type is a number; a blob is its bytes.
      .toEqual([{ id: 1, email: 'ada', real: 1.5, blob: Uint8Array.of(1), no: null }])
    expect(await prisma.$queryRaw`SELECT count(*) AS n FROM "User"`).toEqual([{ n: 2n }])
  })

  test('runs transactions, which own the database', async () => {
    const { prisma, database } = await connect()
    await prisma.$transaction([
      prisma.user.create({ data: { email: 'ada' } }),
      prisma.user.create({ data: { email: 'bob' } }),
    ])
    let beside: Promise<unknown> | undefined
    const failed = prisma.$transaction(async (tx) => {
      await tx.user.create({ data: { email: 'cy' } })
      beside = database.pluck('SELECT count(*) FROM "User"')
      expect(await tx.user.findMany()).toHaveLength(3)
      throw new Error('no')
    })
    expect((await rejection(failed)).message).toBe('no')
    expect(await beside).toBe(2)
    const late = prisma.$transaction(
      async (tx) => {
        await tx.user.create({ data: { email: 'dee' } })
        while (database.inTransaction) await new Promise((resolve) => setTimeout(resolve, 10))
        await tx.user.findMany()
      },
      { timeout: 100 },
    )
    expect(await rejection(late)).toMatchObject({ code: 'P2028' })
    expect(await prisma.user.findMany()).toHaveLength(2)
  })

  test('names errors as Prisma does', async () => {
    const { prisma, database } = await connect()
    await prisma.user.create({ data: { email: 'ada' } })
    expect(await rejection(prisma.user.create({ data: { email: 'ada' } }))).toMatchObject({ code: 'P2002' })
    expect(await rejection(prisma.post.create({ data: { title: 'a', authorId: 9 } }))).toMatchObject({
      code: 'P2003',
    })
    await database.exec('DROP TABLE "Post"')
    expect(await rejection(prisma.post.findMany())).toMatchObject({ code: 'P2021' })
    expect(await rejection(prisma.user.update({ where: { id: 9 }, data: { score: 1 } }))).toMatchObject({
      code: 'P2025',
    })
  })

  test('opens an actor of a storage, and lets it go', async () => {
    const storage = await sharedStorage()
    const owner = await storage.open('prisma-actor')
    await owner.exec(TABLES)
    await owner.close()
    const prisma = new PrismaClient({ adapter: new PrismaActorSqlite({ storage, actor: 'prisma-actor' }) })
    expect(await prisma.user.findMany()).toEqual([])
    await prisma.$disconnect()
    const other = await storage.open('prisma-actor', { create: false })
    expect(await other.pluck('SELECT count(*) FROM "User"')).toBe(0)
    await other.close()
  })
})

describe('the contract', () => {
  const query = (sql: string, ...args: unknown[]) => ({
    sql,
    args,
    argTypes: args.map(() => ({ scalarType: 'unknown', arity: 'scalar' }) as const),
  })

  async function bound() {
    const database = await newDatabase()
    await database.exec(TABLES)
    const factory = bindMigrationAwareSqlAdapterFactory(
      new PrismaActorSqlite({ database }, { shadow: { database: await newDatabase() } }),
    )
    expect([factory.provider, factory.adapterName]).toEqual(['sqlite', 'actor-sqlite'])
    const adapter = await factory.connect()
    if (!adapter.ok) throw new Error('not connected')
    return { adapter: adapter.value, factory, database }
  }

  test('columns have the types they were declared with, or those of their values', async () => {
    const { adapter } = await bound()
    await adapter.executeScript(`
      CREATE TABLE t (a VARCHAR(20), b INT, c BIGINT, d DATETIME, e, f, g, h);
      INSERT INTO t VALUES ('a', 1.5, 9007199254740993, 0, NULL, 1, 2.0, x'01');
      INSERT INTO t VALUES ('a', 2, 3, '2026-01-01', 'text', 1, 2.0, NULL);
    `)
    const result = await adapter.queryRaw(query('SELECT *, NULL AS i FROM t'))
    const { Text, Int32, Int64, DateTime, UnknownNumber, Bytes } = ColumnTypeEnum
    expect(result).toMatchObject({
      ok: true,
      value: {
        columnNames: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'],
        columnTypes: [Text, Int32, Int64, DateTime, Text, Int64, UnknownNumber, Bytes, Int32],
        rows: [
          ['a', 1, '9007199254740993', '1970-01-01T00:00:00.000Z', null, 1, 2, Uint8Array.of(1), null],
          ['a', 2, 3, '2026-01-01', 'text', 1, 2, null, null],
        ],
      },
    })
    expect(await adapter.queryRaw(query('CREATE TABLE u (a)'))).toMatchObject({
      value: { columnNames: [], columnTypes: [], rows: [] },
    })
    expect(await adapter.executeRaw(query('SELECT 1'))).toMatchObject({ ok: true, value: 0 })
  })

  test.each([
    [
      `INSERT INTO "User" (email) VALUES ('a'), ('a')`,
      { kind: 'UniqueConstraintViolation', constraint: { fields: ['email'] }, table: 'User' },
    ],
    [
      `INSERT INTO "User" (id, email) VALUES (1, 'a'), (1, 'b')`,
      { kind: 'UniqueConstraintViolation', constraint: { fields: ['id'] } },
    ],
    [
      `INSERT INTO pair (a, b) VALUES (1, 'X'), (1, 'x')`,
      { kind: 'UniqueConstraintViolation', constraint: { index: 'pair_lower' } },
    ],
    [
      'INSERT INTO "User" (email) VALUES (NULL)',
      { kind: 'NullConstraintViolation', constraint: { fields: ['email'] } },
    ],
    [`INSERT INTO "Post" (title, "authorId") VALUES ('a', 9)`, { kind: 'ForeignKeyConstraintViolation' }],
    ['SELECT * FROM missing', { kind: 'TableDoesNotExist', table: 'missing' }],
    ['SELECT missing FROM "User"', { kind: 'ColumnNotFound', column: 'missing' }],
    ['INSERT INTO "User" (missing) VALUES (1)', { kind: 'ColumnNotFound', column: 'missing' }],
    ['SELECT 1 +', { kind: 'sqlite', extendedCode: 1, originalCode: 'SQLITE_ERROR' }],
  ])('%s', async (sql, error) => {
    const { adapter, database } = await bound()
    await database.exec('CREATE TABLE pair (a, b); CREATE UNIQUE INDEX pair_lower ON pair (a, lower(b))')
    expect(await adapter.executeRaw(query(sql))).toMatchObject({ ok: false, error })
  })

  test('transactions are serializable, have savepoints, and are over once', async () => {
    const { adapter, database } = await bound()
    expect(await adapter.startTransaction('READ COMMITTED')).toMatchObject({
      ok: false,
      error: { kind: 'InvalidIsolationLevel', level: 'READ COMMITTED' },
    })
    const begun = await adapter.startTransaction('SERIALIZABLE')
    if (!begun.ok) throw new Error('not begun')
    const tx = begun.value
    expect(tx.options).toEqual({ usePhantomQuery: true })
    const add = (email: string) => tx.executeRaw(query('INSERT INTO "User" (email) VALUES (?)', email))
    await add('a')
    await tx.createSavepoint?.('s1')
    await add('b')
    await tx.rollbackToSavepoint?.('s1')
    await tx.releaseSavepoint?.('s1')
    await add('c')
    expect(await tx.commit()).toMatchObject({ ok: true })
    expect(await database.values('SELECT email FROM "User"')).toEqual([['a'], ['c']])
    expect(await add('d')).toMatchObject({ ok: false, error: { kind: 'TransactionAlreadyClosed' } })
  })

  test('a database that is closed, or shadows another, is said so', async () => {
    const { adapter, factory, database } = await bound()
    expect((await factory.connectToShadowDb()).ok).toBe(true)
    await adapter.dispose()
    expect(database.open).toBe(true)
    await database.close()
    expect(await adapter.queryRaw(query('SELECT 1'))).toMatchObject({ error: { kind: 'ConnectionClosed' } })
    const without = new PrismaActorSqlite({ database })
    expect((await rejection(without.connectToShadowDb())).message).toContain('"shadow"')
  })
})
