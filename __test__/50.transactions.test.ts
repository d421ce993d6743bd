import { expect, test } from 'vitest'
import { type Database, RollbackError, SqliteError, StorageError, type Transaction } from '../index.js'
import { newDatabase, rejection, sharedStorage } from './support.js'

async function counter(): Promise<Database> {
  const db = await newDatabase()
  await db.exec('CREATE TABLE t (a INTEGER PRIMARY KEY)')
  return db
}

const count = (db: Database) => db.pluck<number>('SELECT count(*) FROM t')

test('a transaction commits what its callback did, and returns its result', async () => {
  const db = await counter()
  const result = await db.transaction(async (tx) => {
    await tx.run('INSERT INTO t VALUES (1)')
    expect(db.inTransaction).toBe(true)
    await tx.run('INSERT INTO t VALUES (2)')
    return tx.pluck('SELECT count(*) FROM t')
  })
  expect([result, db.inTransaction]).toEqual([2, false])
  expect(await count(db)).toBe(2)
  await db.close()
})

test('a callback that throws rolls back, and its error comes out', async () => {
  const db = await counter()
  const reason = new Error('changed my mind')
  const error = await rejection(
    db.transaction(async (tx) => {
      await tx.run('INSERT INTO t VALUES (1)')
      throw reason
    }),
  )
  expect(error).toBe(reason)
  expect(await count(db)).toBe(0)
  const given = await rejection(db.transaction((tx) => tx.rollback()))
  expect(given).toBeInstanceOf(RollbackError)
  expect(given).toMatchObject({ name: 'RollbackError', code: 'ERR_ROLLBACK' })
  await db.close()
})

test('calls on the database wait for the transaction, in order', async () => {
  const db = await counter()
  const order: string[] = []
  let go = () => {}
  const gate = new Promise<void>((resolve) => {
    go = resolve
  })
  const bytes = new Uint8Array([1])
  const first = db.transaction(async (tx) => {
    await tx.run('INSERT INTO t VALUES (1)')
    await gate
    await tx.run('INSERT INTO t VALUES (2)')
    order.push('first')
  })
  const counted = count(db).then((n) => {
    order.push(`count ${n}`)
  })
  const blob = db.pluck('SELECT ?', bytes)
  bytes[0] = 9
  const second = db.transaction(async (tx) => {
    await tx.run('INSERT INTO t VALUES (3)')
    order.push('second')
  })
  const last = count(db).then((n) => {
    order.push(`count ${n}`)
  })
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(order).toEqual([])
  go()
  await Promise.all([first, counted, second, last])
  expect(order).toEqual(['first', 'count 2', 'second', 'count 3'])
  expect(await blob).toEqual(new Uint8Array([1]))
  await db.close()
})

test('a call that would wait for its own transaction is refused', async () => {
  const db = await counter()
  await db.transaction(async (tx) => {
    const calls = [
      () => db.run('INSERT INTO t VALUES (1)'),
      () => db.transaction(() => 1),
      () => db.with({ timeoutMs: 1000 }).get('SELECT 1'),
      () => db.iterate('SELECT 1').next(),
      () => db.batch(['SELECT 1']),
    ]
    for (const call of calls) {
      const error = await rejection(call())
      expect(error).toBeInstanceOf(StorageError)
      expect(error).toMatchObject({ code: 'ERR_REENTRY' })
    }
    await tx.run('INSERT INTO t VALUES (2)')
  })
  expect(await count(db)).toBe(1)
  await db.close()
})

test('another database can be used inside, and a call after the end too', async () => {
  const [db, other] = await Promise.all([counter(), counter()])
  let later = () => Promise.resolve<unknown>(undefined)
  await db.transaction(async (tx) => {
    await tx.run('INSERT INTO t VALUES (1)')
    await other.transaction((tx2) => tx2.run('INSERT INTO t VALUES (1)'))
    later = () => count(db)
  })
  expect(await later()).toBe(1)
  expect(await count(other)).toBe(1)
  await Promise.all([db.close(), other.close()])
})

test('savepoints fail alone', async () => {
  const db = await counter()
  await db.transaction(async (tx) => {
    await tx.run('INSERT INTO t VALUES (1)')
    const error = await rejection(
      tx.savepoint(async (inner) => {
        await inner.run('INSERT INTO t VALUES (2)')
        await inner.transaction((innermost) => innermost.run('INSERT INTO t VALUES (3)'))
        await inner.run('INSERT INTO t VALUES (1)')
      }),
    )
    expect(error).toMatchObject({ code: 'SQLITE_CONSTRAINT_PRIMARYKEY' })
    expect(await tx.savepoint((inner) => inner.run('INSERT INTO t VALUES (4)'))).toMatchObject({ changes: 1 })
  })
  expect(await db.values('SELECT a FROM t')).toEqual([[1], [4]])
  await db.close()
})

test('while a savepoint is open only its handle works', async () => {
  const db = await counter()
  await db.transaction(async (tx) => {
    await tx.savepoint(async () => {
      expect(await rejection(tx.run('INSERT INTO t VALUES (1)'))).toMatchObject({ code: 'ERR_REENTRY' })
      expect(await rejection(tx.savepoint(() => 1))).toMatchObject({ code: 'ERR_REENTRY' })
    })
  })
  await db.close()
})

test('the handle of a transaction that is over is of no use', async () => {
  const db = await counter()
  let kept: Transaction | undefined
  await db.transaction((tx) => {
    kept = tx
  })
  expect(await rejection((kept as Transaction).run('INSERT INTO t VALUES (1)'))).toMatchObject({
    code: 'ERR_TRANSACTION_OVER',
  })
  expect(await count(db)).toBe(0)
  await db.close()
})

test('a transaction that SQLite ended runs nothing more outside it', async () => {
  const db = await counter()
  await db.run('INSERT INTO t VALUES (1)')
  const error = await rejection(
    db.transaction(async (tx) => {
      await tx.run('INSERT INTO t VALUES (2)')
      await rejection(tx.run('INSERT OR ROLLBACK INTO t VALUES (1)'))
      await tx.run('INSERT INTO t VALUES (3)')
    }),
  )
  expect(error).toMatchObject({ code: 'ERR_TRANSACTION_OVER' })
  expect(await db.values('SELECT a FROM t')).toEqual([[1]])
  await db.close()
})

test('a failing commit rolls back', async () => {
  const db = await newDatabase()
  await db.exec(
    'CREATE TABLE p (a PRIMARY KEY); CREATE TABLE c (a REFERENCES p DEFERRABLE INITIALLY DEFERRED)',
  )
  const error = await rejection(db.transaction((tx) => tx.run('INSERT INTO c VALUES (1)')))
  expect(error).toBeInstanceOf(SqliteError)
  expect(error).toMatchObject({ code: 'SQLITE_CONSTRAINT_FOREIGNKEY' })
  expect([await db.pluck('SELECT count(*) FROM c'), db.inTransaction]).toEqual([0, false])
  await db.close()
})

test('a transaction whose time is over is rolled back, whatever its callback waits for', async () => {
  const db = await counter()
  const error = await rejection(
    db.transaction(
      async (tx) => {
        await tx.run('INSERT INTO t VALUES (1)')
        await new Promise(() => {})
      },
      { timeoutMs: 50 },
    ),
  )
  expect(error).toMatchObject({ name: 'StorageError', code: 'ERR_TIMEOUT', retryable: true })
  expect(await count(db)).toBe(0)
  await db.close()
})

/** That a transaction has left nothing open behind. */
async function expectOver(db: Database): Promise<void> {
  expect(db.inTransaction).toBe(false)
  expect(await db.run('INSERT INTO t VALUES (9)')).toMatchObject({ changes: 1 })
  expect(await db.values('SELECT a FROM t')).toEqual([[9]])
  await db.close()
}

test.each(['the time limit', 'a signal'])('%s ends a transaction with savepoints open', async (what) => {
  const db = await counter()
  const controller = new AbortController()
  const running = db.transaction(
    async (tx) => {
      await tx.run('INSERT INTO t VALUES (1)')
      await tx.savepoint((inner) =>
        inner.savepoint(async (innermost) => {
          await innermost.run('INSERT INTO t VALUES (2)')
          if (what === 'a signal') controller.abort()
          await new Promise(() => {})
        }),
      )
    },
    what === 'a signal' ? { signal: controller.signal } : { timeoutMs: 50 },
  )
  await rejection(running)
  await expectOver(db)
})

test('a savepoint that nobody awaited goes with what is around it', async () => {
  const db = await counter()
  let hung: Promise<unknown> = Promise.resolve()
  let wake = () => {}
  const asleep = new Promise<void>((resolve) => {
    wake = resolve
  })
  const forget = (tx: Transaction): void => {
    hung = tx.savepoint(async (inner) => {
      await inner.run('INSERT INTO t VALUES (2)')
      await asleep
    })
    hung.catch(() => {})
  }
  expect(await rejection(db.transaction(forget))).toMatchObject({ code: 'ERR_REENTRY' })
  const reason = new Error('changed my mind')
  const thrown = db.transaction((tx) => {
    forget(tx)
    throw reason
  })
  expect(await rejection(thrown)).toBe(reason)
  await db.transaction(async (tx) => {
    expect(await rejection(tx.savepoint(forget))).toMatchObject({ code: 'ERR_REENTRY' })
    await tx.savepoint(async () => {
      wake()
      expect(await rejection(hung)).toMatchObject({ code: 'ERR_REENTRY' })
    })
  })
  await expectOver(db)
})

test('a signal ends a transaction', async () => {
  const db = await counter()
  const controller = new AbortController()
  const reason = new Error('enough')
  const running = db.transaction(
    async (tx) => {
      await tx.run('INSERT INTO t VALUES (1)')
      controller.abort(reason)
      await tx.run('INSERT INTO t VALUES (2)')
    },
    { signal: controller.signal },
  )
  expect(await rejection(running)).toBe(reason)
  expect(await count(db)).toBe(0)
  await db.close()
})

test('transactions by hand work', async () => {
  const db = await counter()
  await db.exec('BEGIN; INSERT INTO t VALUES (1)')
  expect(db.inTransaction).toBe(true)
  await db.exec('ROLLBACK')
  expect(await count(db)).toBe(0)
  await db.close()
})

test('a batch runs whole or not at all', async () => {
  const db = await counter()
  const results = await db.batch([
    'INSERT INTO t VALUES (1)',
    { sql: 'INSERT INTO t VALUES (?), (?)', args: [2, 3] },
    { sql: 'SELECT a, :x AS x FROM t WHERE a < :x', args: { x: 3 } },
  ])
  expect(results).toEqual([
    { columns: [], columnTypes: [], rows: [], rowsAffected: 1, lastInsertRowid: 1 },
    { columns: [], columnTypes: [], rows: [], rowsAffected: 2, lastInsertRowid: 3 },
    {
      columns: ['a', 'x'],
      columnTypes: ['INTEGER', null],
      rows: [
        [1, 3],
        [2, 3],
      ],
      rowsAffected: 0,
      lastInsertRowid: 3,
    },
  ])
  const error = await rejection(
    db.batch(['INSERT INTO t VALUES (4)', 'INSERT INTO t VALUES (1)', 'INSERT INTO t VALUES (5)']),
  )
  expect(error).toMatchObject({ code: 'SQLITE_CONSTRAINT_PRIMARYKEY', statementIndex: 1 })
  expect(await count(db)).toBe(3)
  await db.close()
})

test('one statement runs with many rows in one crossing', async () => {
  const db = await counter()
  const rows = Array.from({ length: 4096 }, (_, a) => [a])
  expect(await db.batch('INSERT INTO t VALUES (?)', rows)).toEqual({ changes: 4096, lastInsertRowid: 4095 })
  expect(await db.batch('DELETE FROM t WHERE a = :a', [{ a: 1 }, { a: 2 }])).toMatchObject({ changes: 2 })
  expect(await db.batch('INSERT INTO t VALUES (?)', [])).toEqual({ changes: 0, lastInsertRowid: 0 })
  expect(await rejection(db.batch('INSERT INTO t VALUES (?)', [[9999], [1, 2]]))).toBeInstanceOf(RangeError)
  expect(await count(db)).toBe(4094)
  await db.close()
})

test.each([
  [undefined, 'a batch must be an array'],
  [[1], 'statement 0 of the batch must be'],
  [['SELECT 1', { text: 'x' }], 'statement 1 of the batch must be'],
  [[{ sql: 'SELECT 1', params: [] }], 'has no field "params"'],
])('a batch of %j is refused', async (statements, message) => {
  const db = await newDatabase()
  const error = await rejection(db.batch(statements as never))
  expect(error).toBeInstanceOf(TypeError)
  expect(error.message).toContain(message)
  await db.close()
})

test('close waits for an open transaction and for those in line', async () => {
  const storage = await sharedStorage()
  const db = await storage.open('closes-late')
  await db.exec('CREATE TABLE t (a INTEGER PRIMARY KEY)')
  const first = db.transaction(async (tx) => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    await tx.run('INSERT INTO t VALUES (1)')
  })
  const second = db.transaction((tx) => tx.run('INSERT INTO t VALUES (2)'))
  const closing = db.close()
  expect(await rejection(db.get('SELECT 1'))).toMatchObject({ code: 'ERR_CLOSED' })
  await Promise.all([first, second, closing])
  const again = await storage.open('closes-late')
  expect(await again.values('SELECT a FROM t')).toEqual([[1], [2]])
  await again.close()
})

test('the time limit of a database counts for calls that wait for a transaction', async () => {
  const db = await newDatabase({ queryTimeoutMs: 50 })
  let end = () => {}
  const open = db.transaction(
    () =>
      new Promise<void>((resolve) => {
        end = resolve
      }),
  )
  expect(await rejection(db.get('SELECT 1'))).toMatchObject({ code: 'ERR_TIMEOUT' })
  end()
  await open
  await db.close()
})

test('a transaction waits in line no longer than a call may', async () => {
  const db = await newDatabase({ queryTimeoutMs: 50 })
  let end = () => {}
  const open = db.transaction(
    () =>
      new Promise<void>((resolve) => {
        end = resolve
      }),
  )
  expect(await rejection(db.transaction(() => 1))).toMatchObject({ code: 'ERR_TIMEOUT' })
  end()
  await open
  expect(await db.transaction(() => 1)).toBe(1)
  await db.close()
})

test('the time in line counts for a call that runs too long after it', async () => {
  const db = await newDatabase({ queryTimeoutMs: 300 })
  const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n'
  const open = db.transaction(() => new Promise<void>((resolve) => setTimeout(resolve, 100)))
  expect(await rejection(db.get(endless))).toMatchObject({ code: 'ERR_TIMEOUT' })
  await open
  await db.close()
})
