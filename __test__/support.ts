/** What the tests share: stores that vanish, programs that run beside, random numbers that repeat. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import { type Database, type DatabaseOptions, openStorage, type Storage } from '../index.js'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** A directory that is removed after the file's tests. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'actor-sqlite-test-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

let storage: Promise<Storage> | undefined
let actors = 0

/** One store for the tests of a file, closed after them. */
export function sharedStorage(): Promise<Storage> {
  storage ??= openStorage({ store: join(temporaryDirectory(), 'store') })
  return storage
}

afterAll(async () => {
  await (await storage)?.close()
})

/** A new actor's database. */
export async function newDatabase(options: DatabaseOptions = {}): Promise<Database> {
  actors += 1
  const name = `actor-${actors}`
  return (await sharedStorage()).open(name, options)
}

/** The error that a promise rejects with. */
export async function rejection<E = Error & { code?: string }>(promise: Promise<unknown>): Promise<E> {
  try {
    await promise
  } catch (error) {
    return error as E
  }
  throw new Error('the promise did not reject')
}

/** Runs an ES module text with this Node, `index.js` of this package at hand as `library`. */
export function runModule(text: string, ...args: string[]): ChildProcess {
  const source = `import * as library from ${JSON.stringify(join(root, 'index.js'))}\n${text}`
  return spawn(process.execPath, ['--input-type=module', '--eval', source, '--', ...args], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

/** Waits for the end of a program. */
export async function finished(
  child: ChildProcess,
): Promise<{ code: number | null; signal: string | null; output: string }> {
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  child.stderr?.on('data', (chunk) => {
    output += chunk
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, output }
}

/** The seed of random tests: `SEED` repeats a run. */
export const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** Random numbers in [0, 1) that follow from the seed alone (mulberry32). */
export function randomNumbers(start = seed): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What stock SQLite answers about a file: its rows, columns parted by `|`. */
export function stock(path: string, sql: string): string[] {
  return execFileSync('sqlite3', [path, sql], { encoding: 'utf8', maxBuffer: 1 << 28 })
    .trimEnd()
    .split('\n')
}
