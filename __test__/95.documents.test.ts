import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { Database, Queryable, Statement, Storage, Transaction } from '../index.js'
import { documents } from './docs/extract.js'
import { root } from './support.js'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')

test('every code of the store is explained', () => {
  const type = /export type StorageErrorCode =([\s\S]*?)\n\n/.exec(read('lib/errors.ts'))?.[1] ?? ''
  const codes = [...type.matchAll(/'(ERR_\w+)'/g)].map(([, code]) => code as string)
  expect(codes.length).toBeGreaterThan(15)
  const table = read('docs/ERRORS.md')
  const missing = codes.filter((code) => !table.includes(`\n| \`${code}\` |`))
  expect(missing, 'codes that docs/ERRORS.md does not explain').toEqual([])
})

test('every code that the addon gives is explained', () => {
  const source = readdirSync(join(root, 'crates/node/src'))
    .filter((name) => name.endsWith('.rs'))
    .map((name) => read(`crates/node/src/${name}`))
    .join('\n')
  const codes = new Set([...source.matchAll(/"(ERR_\w+)"/g)].map(([, code]) => code as string))
  expect(codes.size).toBeGreaterThan(15)
  // What the synchronous handle alone gives is in SYNC.md, by its message.
  codes.delete('ERR_BUSY')
  const missing = [...codes].filter((code) => !read('docs/ERRORS.md').includes(`\`${code}\``))
  expect(missing, 'codes that docs/ERRORS.md does not explain').toEqual([])
})

test('every public call is named', () => {
  const text = read('docs/API.md')
  for (const type of [Database, Queryable, Statement, Storage, Transaction]) {
    const names = Object.getOwnPropertyNames(type.prototype)
    const named = names.filter((name) => name !== 'constructor' && !name.startsWith('_'))
    const missing = named.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))
    expect(missing, `members of ${type.name} that docs/API.md does not name`).toEqual([])
  }
})

test('links between the documents lead somewhere', () => {
  const anchors = (path: string): string[] =>
    [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      (title as string)
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    )
  for (const document of [...documents(root), 'ARCHITECTURE.md']) {
    for (const [, target] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (target === undefined || /^[a-z]+:/.test(target)) continue
      const [file, anchor] = target.split('#') as [string, string | undefined]
      const path = file === '' ? document : join(dirname(document), file)
      expect(() => read(path), `${document}: ${target}`).not.toThrow()
      if (anchor !== undefined) expect(anchors(path), `${document}: ${target}`).toContain(anchor)
    }
  }
})
