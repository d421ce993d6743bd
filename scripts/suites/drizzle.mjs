/**
 * Drizzle's own integration tests for SQLite: `node scripts/suites/drizzle.mjs CHECKOUT WHAT`.
 *
 * CHECKOUT is a copy of drizzle-orm's repository at the tag to be tested; its tests are copied out of it,
 * what they import is installed beside them, and drivers and clients are replaced by aliases. WHAT says by
 * which: see RUNS. Nothing of it is kept here.
 */

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fail, root } from '../project.mjs'

const LIBSQL = [
  'tests/sqlite/libsql.test.ts',
  'tests/relational/turso.test.ts',
  'tests/sqlite/libsql-batch.test.ts',
]
const SYNC = ['tests/sqlite/better-sqlite.test.ts', 'tests/relational/bettersqlite.test.ts']

/** SQLite is not compiled to know them. */
const LIMITED = '(?!.*(?:update|delete) with limit and order by$)'
/** Callbacks of transactions that are async, on a database that is not. */
const ASYNC = '(?!.*common (?:nested )?transaction$)'

/** Which files, what is replaced by what, and which tests do not apply. */
const RUNS = {
  /** Our driver, with promises. */
  drizzle: {
    files: LIBSQL,
    aliases: {
      '^@libsql/client$': 'database.mjs',
      '^drizzle-orm/libsql/migrator$': join(root, 'lib/drizzle/migrator.js'),
      '^drizzle-orm/libsql$': join(root, 'lib/drizzle/index.js'),
    },
  },
  /** Our driver on synchronous databases. */
  sync: {
    files: SYNC,
    aliases: {
      '^better-sqlite3$': 'sync.mjs',
      '^drizzle-orm/better-sqlite3/migrator$': join(root, 'lib/drizzle/migrator.js'),
      '^drizzle-orm/better-sqlite3$': join(root, 'lib/drizzle/index.js'),
    },
    only: `^${LIMITED}${ASYNC}`,
  },
  /** Drizzle's driver for libsql on our client. */
  libsql: { files: LIBSQL, aliases: { '^@libsql/client$': 'client.mjs' } },
  /** Drizzle's driver for better-sqlite3 on our synchronous databases. */
  'better-sqlite3': { files: SYNC, aliases: { '^better-sqlite3$': 'sync.mjs' }, only: `^${LIMITED}${ASYNC}` },
  /** Nothing of ours: a file, and better-sqlite3. */
  theirs: {
    files: [...LIBSQL, ...SYNC],
    aliases: {
      '^@libsql/client$': 'theirs.mjs',
      '^better-sqlite3$': 'node_modules/better-sqlite3/lib/index.js',
    },
  },
}

const STORE = `
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
const directory = mkdtempSync(join(tmpdir(), 'drizzle-suite-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
let made = 0
const name = () => 'test-' + ++made
`

const FILES = {
  'client.mjs': `${STORE}
import { createClient as ours } from 'actor-sqlite/libsql'
export const createClient = () => ours({ actor: name(), store: directory })`,
  'database.mjs': `${STORE}
import { openStorage } from 'actor-sqlite'
const storage = await openStorage({ store: directory })
const opened = [await storage.open(name()), await storage.open(name())]
export const createClient = () => opened.pop()`,
  'sync.mjs': `${STORE}
import { openDatabaseSync } from 'actor-sqlite'
export default function Database() { return openDatabaseSync(name(), { store: directory }) }`,
  'theirs.mjs': `${STORE}
import { createClient as theirs } from '${join(root, 'node_modules/@libsql/client/lib-esm/node.js')}'
export const createClient = () => theirs({ url: 'file:' + join(directory, name()) })`,
}

const checkout = resolve(process.argv[2] ?? fail('which checkout of drizzle-orm?'))
const what = process.argv[3] ?? 'drizzle'
const { files, aliases, only } = RUNS[what] ?? fail(`what? ${Object.keys(RUNS).join(', ')}`)
const work = join(checkout, 'actor-sqlite-suite')

function run(command, args) {
  const env = { ...process.env, LIBSQL_URL: 'file:not-used' }
  return spawnSync(command, args, { cwd: work, stdio: ['ignore', 'inherit', 'inherit'], env }).status ?? 1
}

function install() {
  if (existsSync(join(work, 'node_modules'))) return
  mkdirSync(work, { recursive: true })
  writeFileSync(join(work, 'package.json'), '{ "private": true, "type": "module" }')
  const status = run('npm', [
    'install',
    '--no-save',
    'async-retry@1',
    'better-sqlite3@12',
    'dotenv@16',
    'keyv@5',
  ])
  if (status !== 0) fail('npm install failed')
  for (const name of ['drizzle-orm', 'vitest']) {
    symlinkSync(join(root, 'node_modules', name), join(work, 'node_modules', name))
  }
  symlinkSync(root, join(work, 'node_modules', 'actor-sqlite'))
}

function copy() {
  for (const part of ['tests', 'drizzle2']) {
    rmSync(join(work, part), { recursive: true, force: true })
    cpSync(join(checkout, 'integration-tests', part), join(work, part), { recursive: true })
  }
  for (const [file, text] of Object.entries(FILES)) writeFileSync(join(work, file), text)
  if (what !== 'drizzle') return
  // What a write gives is a result set there, and what it changed here.
  const batch = join(work, 'tests/sqlite/libsql-batch.test.ts')
  const given =
    /\{ columnTypes: \[\], columns: \[\], rows: \[\], rowsAffected: (\d+), lastInsertRowid: (\d+)n \}/g
  const text = readFileSync(batch, 'utf8')
  writeFileSync(batch, text.replace(given, '{ changes: $1, lastInsertRowid: $2 }'))
}

function configure() {
  const alias = [
    { find: '^~/', replacement: `${join(work, 'tests')}/` },
    ...Object.entries(aliases).map(([find, to]) => ({ find, replacement: resolve(work, to) })),
  ]
  // Spies are left on shared objects: vitest 4 does not take them off by itself, as the one they use did.
  const test = {
    include: files,
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    restoreMocks: true,
    testTimeout: 60_000,
    // So that what drizzle imports is replaced, too; ours has to share its classes, and replaces nothing in it.
    ...(what === 'drizzle' || what === 'sync' ? {} : { server: { deps: { inline: ['drizzle-orm'] } } }),
  }
  writeFileSync(
    join(work, 'vitest.config.mjs'),
    `const alias = ${JSON.stringify(alias)}.map(({ find, replacement }) => ({ find: new RegExp(find), replacement }))
export default { resolve: { alias }, test: ${JSON.stringify(test)} }\n`,
  )
}

install()
copy()
configure()
const pattern = only === undefined ? [] : ['--testNamePattern', only]
process.exit(run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...pattern]))
