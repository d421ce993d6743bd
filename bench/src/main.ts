/**
 * The figures of docs/BENCHMARKS.md: actor-sqlite and better-sqlite3 (WAL, synchronous FULL) in one
 * run, on one disk. `npm run bench` builds and runs it; peers are installed in this folder.
 *
 *     npm run bench -- [--dir DIR] [--quick]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { perCommit } from './costs.js'
import { printTable, type Result } from './measure.js'
import * as ours from './ours.js'
import * as peer from './peer.js'

const { values: options } = parseArgs({
  options: { dir: { type: 'string', default: tmpdir() }, quick: { type: 'boolean', default: false } },
})
const scale = options.quick ? 0.1 : 1
const times = (n: number) => Math.max(1, Math.round(n * scale))

const TRANSACTIONS: readonly ours.TransactionCase[] = [
  { name: '5 MiB, 1280 × 4 KiB', rows: 1280, rowBytes: 4096 },
  { name: '1 MiB, 4096 × 256 B', rows: 4096, rowBytes: 256 },
  { name: '1 MiB, 256 × 4 KiB', rows: 256, rowBytes: 4096 },
  { name: '1 MiB, 1 × 1 MiB', rows: 1, rowBytes: 1 << 20 },
]

const fixed = (n: number, digits = 1) => n.toFixed(digits)
const whole = (n: number) => Math.round(n).toLocaleString('en-US')

const dir = mkdtempSync(join(options.dir, 'actor-sqlite-bench-'))
console.log(
  `node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, kernel ${release()}, ${new Date().toISOString().slice(0, 10)}`,
)

try {
  const storage = await ours.openBench(join(dir, 'store'))
  const PEERS = ['actor-sqlite', 'better-sqlite3 12, WAL FULL']
  const [US = '', PEER = ''] = PEERS

  const transactions: Result[] = []
  for (const test of TRANSACTIONS) {
    const { batch, pipelined } = await ours.transaction(storage, test, times(10))
    const other = await peer.transaction(dir, test, times(10))
    transactions.push({
      test: test.name,
      unit: 'ms',
      peers: { [US]: `${fixed(batch)} batch, ${fixed(pipelined)} pipelined`, [PEER]: fixed(other) },
    })
  }
  printTable('One transaction, median', PEERS, transactions)

  const [one, theirs] = [await ours.autocommit(storage, times(3000)), await peer.autocommit(dir, times(3000))]
  const concurrent = await ours.concurrentCommits(storage, 64, times(1000))
  const sequential = await peer.concurrentCommits(dir, 64, times(100))
  printTable('Durable commits of one 200 B row', PEERS, [
    {
      test: 'one actor, each awaited, p50 / p99',
      unit: 'µs',
      peers: {
        [US]: `${whole(one.p50)} / ${whole(one.p99)}`,
        [PEER]: `${whole(theirs.p50)} / ${whole(theirs.p99)}`,
      },
    },
    {
      test: '64 actors at once',
      unit: 'commits/s',
      peers: { [US]: whole(concurrent), [PEER]: whole(sequential) },
    },
  ])

  const selects = await ours.pointSelects(storage, times(100_000), 256)
  const peerSelects = await peer.pointSelects(dir, times(200_000))
  printTable('Point SELECT by primary key', PEERS, [
    {
      test: 'each awaited',
      unit: 'per s',
      peers: { [US]: whole(selects.awaited), [PEER]: `${whole(peerSelects)} (synchronous)` },
    },
    { test: '256 in flight', unit: 'per s', peers: { [US]: whole(selects.pipelined) } },
  ])

  const [opened, peerOpened] = [
    await ours.openAndQuery(storage, times(500)),
    await peer.openAndQuery(dir, times(500)),
  ]
  printTable('Open an existing database and run a first query', PEERS, [
    {
      test: '500 databases left open, p50 / p99',
      unit: 'ms',
      peers: {
        [US]: `${fixed(opened.p50, 2)} / ${fixed(opened.p99, 2)}`,
        [PEER]: `${fixed(peerOpened.p50, 2)} / ${fixed(peerOpened.p99, 2)}`,
      },
    },
  ])

  await perCommit(storage)
  await storage.close()
} finally {
  rmSync(dir, { recursive: true, force: true })
}
