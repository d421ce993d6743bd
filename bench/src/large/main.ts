/**
 * The figures that take time: transactions and databases far larger than memory, a storm of commits,
 * scans, wakes, sizes on disk. Each case runs in a process of its own, so that its peak is its own.
 *
 *     npm run bench:large -- [CASE…] [--dir DIR] [--scale 0.1]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { scan, wake } from './reads.js'
import { printReport, type Report } from './report.js'
import { sizes } from './sizes.js'
import { storm } from './storm.js'
import { transaction } from './transaction.js'
import { vacuum } from './vacuum.js'

/** For a process that is to stay below 256 MiB, as docs/OPERATIONS.md says; its heap has to be told by the environment. */
const SMALL = { cacheBytes: 16 << 20, memoryBytes: 48 << 20 }
const SMALL_ENVIRONMENT = { MALLOC_ARENA_MAX: '1' }
const SMALL_CASES = ['transaction-small', 'vacuum']

const CASES: Record<string, readonly [title: string, run: (dir: string, scale: number) => Promise<Report>]> =
  {
    transaction: ['A transaction of 2 GiB', (dir, scale) => transaction(dir, 2048 * scale, {})],
    'transaction-small': [
      'A transaction of 2 GiB, caches of 16 and 48 MiB, one heap',
      (dir, scale) => transaction(dir, 2048 * scale, SMALL),
    ],
    vacuum: [
      'Index, delete and VACUUM of 1 GiB, caches of 16 and 48 MiB, one heap',
      (dir, scale) => vacuum(dir, 1024 * scale, SMALL),
    ],
    storm: ['Commits under a storm', (dir, scale) => storm(dir, 1000, Math.ceil(20 * scale))],
    scan: ['A scan of 50 MiB', (dir, scale) => scan(dir, 50 * scale)],
    wake: ['Opening and first query of 200 slept actors', (dir) => wake(dir, 200)],
    sizes: ['Size on disk', (dir, scale) => sizes(dir, 1_000_000 * scale)],
  }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dir: { type: 'string', default: tmpdir() },
    scale: { type: 'string', default: '1' },
    child: { type: 'boolean', default: false },
  },
})
const unknown = positionals.filter((name) => !(name in CASES))
if (unknown.length > 0 || !(Number(values.scale) > 0)) {
  console.error(`There are these cases: ${Object.keys(CASES).join(', ')}; --scale is a number above 0.`)
  process.exit(2)
}

if (values.child) {
  const [name = ''] = positionals
  const [title, run] = CASES[name] as (typeof CASES)[string]
  printReport(title, await run(values.dir, Number(values.scale)))
} else {
  for (const name of positionals.length > 0 ? positionals : Object.keys(CASES)) {
    const dir = mkdtempSync(join(values.dir, 'actor-sqlite-large-'))
    const args = [fileURLToPath(import.meta.url), name, '--child', '--dir', dir, '--scale', values.scale]
    const env = { ...process.env, ...(SMALL_CASES.includes(name) ? SMALL_ENVIRONMENT : {}) }
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', env })
    rmSync(dir, { recursive: true, force: true })
    if (status !== 0) process.exitCode = 1
  }
}
