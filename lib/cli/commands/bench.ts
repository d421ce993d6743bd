/** `bench`: a few seconds of commits and reads, to see what a machine makes. */

import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Database } from '../../database.js'
import { openStorage, type Storage } from '../../storage.js'
import type { Command, Context } from '../command.js'
import { usage } from '../failure.js'

/** Facts of one measurement. */
interface Measured {
  readonly name: string
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
  /** What does not depend on the machine. */
  readonly facts: Readonly<Record<string, number>>
}

const ROWS = 10_000
const TMPFS = 0x01021994

function summary(name: string, times: number[], seconds: number, facts: Record<string, number>): Measured {
  times.sort((a, b) => a - b)
  const at = (share: number): number => Math.round((times[Math.floor(times.length * share)] ?? 0) * 1000)
  return { name, perSecond: Math.round(times.length / seconds), p50Us: at(0.5), p99Us: at(0.99), facts }
}

/** Calls each of some functions again and again, one call at a time each. */
async function repeat(
  calls: readonly (() => Promise<unknown>)[],
  seconds: number,
  signal: AbortSignal,
): Promise<{ times: number[]; seconds: number }> {
  const times: number[] = []
  const start = performance.now()
  const end = start + seconds * 1000
  await Promise.all(
    calls.map(async (call) => {
      for (let before = performance.now(); before < end; ) {
        signal.throwIfAborted()
        await call()
        const now = performance.now()
        times.push(now - before)
        before = now
      }
    }),
  )
  return { times, seconds: (performance.now() - start) / 1000 }
}

const round = (value: number): number => Math.round(value * 100) / 100

async function commits(
  storage: Storage,
  count: number,
  seconds: number,
  signal: AbortSignal,
): Promise<Measured> {
  const databases: Database[] = []
  for (let index = 0; index < count; index += 1) {
    const db = await storage.open(`commits-${count}-${index}`)
    await db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)')
    databases.push(db)
  }
  const before = storage.metrics
  const text = 'x'.repeat(100)
  const calls = databases.map((db) => () => db.run('INSERT INTO t (text) VALUES (?)', text))
  const { times, seconds: took } = await repeat(calls, seconds, signal)
  const after = storage.metrics
  for (const db of databases) await db.close()
  const made = after.engine.commits - before.engine.commits
  return summary(`commits, ${count} actor${count === 1 ? '' : 's'}`, times, took, {
    commitsPerSync: round(made / Math.max(1, after.kv.syncs - before.kv.syncs)),
    rowsPerCommit: round((after.engine.commitRows - before.engine.commitRows) / made),
    pagesPerCommit: round((after.engine.commitPages - before.engine.commitPages) / made),
    bytesPerCommit: Math.round((after.engine.commitBytes - before.engine.commitBytes) / made),
  })
}

async function reads(storage: Storage, seconds: number, signal: AbortSignal): Promise<Measured> {
  const db = await storage.open('reads')
  await db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)')
  const rows = Array.from({ length: ROWS }, (_, index) => [index, 'x'.repeat(100)])
  await db.batch('INSERT INTO t VALUES (?, ?)', rows)
  const before = storage.metrics.engine
  const statement = await db.prepare('SELECT text FROM t WHERE id = ?')
  let next = 0
  const call = (): Promise<unknown> => {
    next = (next + 7919) % ROWS
    return statement.get(next)
  }
  const { times, seconds: took } = await repeat([call], seconds, signal)
  const after = storage.metrics.engine
  await db.close()
  return summary('point reads, 1 actor', times, took, {
    storeReadsPerRead: round((after.reads - before.reads) / times.length),
  })
}

function secondsOf({ options }: Context): number {
  const word = options['seconds'] ?? '1'
  const seconds = Number(word)
  if (!(seconds > 0 && seconds <= 60)) throw usage(`--seconds is a number up to 60, not ${word}`)
  return seconds
}

function machine(directory: string): Record<string, string | number> {
  const onDisk = statfsSync(directory).type !== TMPFS
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    directory,
    syncs: onDisk ? 'to a disk' : 'cost nothing here: the directory is in memory (tmpfs)',
    durability: 'strict',
  }
}

function print({ out }: Context, about: Record<string, string | number>, results: readonly Measured[]): void {
  for (const [name, value] of Object.entries(about)) out.line(`${name.padEnd(12)}${value}`)
  for (const { name, perSecond, p50Us, p99Us, facts } of results) {
    out.line('')
    out.line(`${name.padEnd(22)}${perSecond}/s   p50 ${p50Us} us   p99 ${p99Us} us`)
    for (const [fact, value] of Object.entries(facts)) out.line(`  ${fact.padEnd(20)}${value}`)
  }
}

export const bench: Command = {
  name: 'bench',
  usage: '',
  summary: 'measure commits and reads on this machine, for a few seconds',
  details: `Makes a store of its own, which is removed. Every commit is on disk when it is counted; each actor has one
call under way. Below each figure is what does not depend on the machine. With --json: one document.`,
  options: {
    dir: {
      type: 'string',
      value: 'dir',
      help: 'where the store is made (default: the directory for temporary files)',
    },
    seconds: { type: 'string', value: 'n', help: 'how long each measurement takes (default: 1)' },
  },
  examples: ['actor-sqlite bench', 'actor-sqlite bench --dir /var/lib --seconds 5 --json'],
  arity: [0, 0],
  async run(context) {
    const seconds = secondsOf(context)
    const parent = resolve(typeof context.options['dir'] === 'string' ? context.options['dir'] : tmpdir())
    const directory = mkdtempSync(join(parent, 'actor-sqlite-bench-'))
    try {
      const storage = await openStorage({ store: directory, scrubBytesPerSecond: 0 })
      const results: Measured[] = []
      try {
        results.push(await commits(storage, 1, seconds, context.signal))
        results.push(await commits(storage, 64, seconds, context.signal))
        results.push(await reads(storage, seconds, context.signal))
      } finally {
        await storage.close()
      }
      const about = machine(parent)
      if (context.json) context.out.line(JSON.stringify({ machine: about, results }))
      else print(context, about, results)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
    return undefined
  },
}
