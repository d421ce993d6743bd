import { afterAll, expect, test } from 'vitest'
import { finished, newDatabase, runModule, temporaryDirectory } from './support.js'

const db = await newDatabase()
afterAll(() => db.close())

test('rows are plain objects in the order of columns', async () => {
  const row = await db.get('SELECT 1 AS b, 2 AS a')
  expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
  expect(Object.keys(row as object)).toEqual(['b', 'a'])
})

test('few rows and many are made alike', async () => {
  const sql =
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i, i * 2 AS j FROM n'
  for (const count of [0, 1, 15, 16, 17, 100, 5000]) {
    const rows = await db.all(sql, count || -1)
    const expected = Array.from({ length: count || 1 }, (_, n) => ({ i: n + 1, j: (n + 1) * 2 }))
    expect(rows).toEqual(expected)
  }
})

test('names that objects take for something else are own properties', async () => {
  const names = [
    '__proto__',
    'constructor',
    'toString',
    '0',
    'a b',
    "it's",
    '"',
    '\\',
    '`',
    '$\u007bx}',
    '\u2028',
    'é',
    '',
  ]
  const list = names.map((name, n) => `${n} AS "${name.replaceAll('"', '""')}"`).join(', ')
  const sql = `SELECT ${list} FROM (VALUES ${Array.from({ length: 40 }, () => '(1)').join(', ')})`
  const expected = names.map((name, n) => [name, n]).sort()
  for (const row of [...(await db.all(sql)), await db.get(sql)]) {
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
    expect(Object.entries(row as object).sort()).toEqual(expected)
  }
})

test('of columns with one name the last wins', async () => {
  for (let round = 0; round < 20; round += 1) expect(await db.get('SELECT 1 AS a, 2 AS a')).toEqual({ a: 2 })
  expect(await db.values('SELECT 1 AS a, 2 AS a')).toEqual([[1, 2]])
})

test('pluck is the first column of the first row', async () => {
  expect(await db.pluck('SELECT 5, 6')).toBe(5)
  expect(await db.pluck('SELECT 5 WHERE 0')).toBeUndefined()
  expect(await db.pluck('SELECT NULL')).toBeNull()
  expect(await db.get('SELECT 5 WHERE 0')).toBeUndefined()
})

test('a large result comes in parts and is whole', async () => {
  const sql = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
    SELECT i, 'text ' || i AS t, CASE WHEN i % 3 THEN zeroblob(i % 7) END AS b FROM n`
  const [rows, other] = await Promise.all([db.all(sql), db.pluck('SELECT 1')])
  expect(other).toBe(1)
  expect(rows.length).toBe(30000)
  for (const [n, row] of rows.entries()) {
    const i = n + 1
    if (row['i'] !== i || row['t'] !== `text ${i}`)
      throw new Error(`row ${i} is wrong: ${JSON.stringify(row)}`)
    const size = (row['b'] as Uint8Array | null)?.length
    if (size !== (i % 3 ? i % 7 : undefined)) throw new Error(`the blob of row ${i} has ${size} bytes`)
  }
})

test('blobs of a result are apart', async () => {
  const rows = await db.values<[Uint8Array, Uint8Array]>("VALUES (x'0102', x''), (x'03', x'040506')")
  expect(rows.map((row) => row.map((blob) => [...blob]))).toEqual([
    [[1, 2], []],
    [[3], [4, 5, 6]],
  ])
})

test('a changed schema changes the rows of a cached statement', async () => {
  await db.exec('CREATE TABLE shape (a); INSERT INTO shape VALUES (1)')
  expect(await db.get('SELECT * FROM shape')).toEqual({ a: 1 })
  await db.exec('ALTER TABLE shape ADD COLUMN b DEFAULT 2')
  expect(await db.get('SELECT * FROM shape')).toEqual({ a: 1, b: 2 })
  await db.exec('ALTER TABLE shape RENAME COLUMN a TO c')
  expect(await db.get('SELECT * FROM shape')).toEqual({ c: 1, b: 2 })
})

test('ever new statements do not run out of shapes', async () => {
  for (let n = 0; n < 5000; n += 100) {
    const rows = await Promise.all(
      Array.from({ length: 100 }, (_, i) => db.get(`SELECT ${n + i} AS c${n + i}`)),
    )
    for (const [i, row] of rows.entries()) expect(row).toEqual({ [`c${n + i}`]: n + i })
  }
  expect(await db.get('SELECT 1 AS c0')).toEqual({ c0: 1 })
})

test('rows are made without code generation too', async () => {
  const text = `const db = await library.openDatabase('a', { store: ${JSON.stringify(temporaryDirectory())} })
    const rows = await db.all('SELECT value AS v, 1 AS "__proto__" FROM json_each(?)', JSON.stringify([...Array(100).keys()]))
    console.log(rows.length, rows[99].v, Object.keys(rows[99]).join())
    await db.close()`
  const child = runModule(
    `import v8 from 'node:v8'\nv8.setFlagsFromString('--disallow-code-generation-from-strings')\n${text}`,
  )
  expect(await finished(child)).toMatchObject({ code: 0, output: '100 99 v,__proto__\n' })
})
