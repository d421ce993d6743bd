/**
 * Kysely's own tests for Node on our dialect: `node scripts/suites/kysely.mjs CHECKOUT`.
 *
 * CHECKOUT is a copy of kysely's repository at the tag to be tested. What its tests import is installed
 * there, it is built without type checks, and SQLite's dialect in the setup of its tests is replaced by
 * ours; `node scripts/suites/kysely.mjs CHECKOUT theirs` leaves kysely's own, on better-sqlite3. Nothing of
 * it is kept here.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { fail } from '../project.mjs'
import { installBeside } from './beside.mjs'

const DEPENDENCIES = [
  'better-sqlite3@12',
  'chai@6',
  'chai-as-promised@8',
  'lodash@4',
  'mocha@11',
  'mysql2@3',
  'pathe@2',
  'pg@8',
  'pg-cursor@2',
  'pkg-types@2',
  'semver@7',
  'sinon@21',
  'std-env@4',
  'tarn@3',
  'tedious@19',
  'typescript@5.9',
  // From 0.29 on.
  '@electric-sql/pglite@0.4',
  'prototype-pollution-vulnerable-lodash.merge-dont-upgrade',
  'tsx@4',
]

/** From 0.29 on; why is in docs/COMPATIBILITY.md. */
const EXCLUDED_TESTS = 'should order and limit the amount of (deleted|updated) rows and return'

const checkout = resolve(process.argv[2] ?? fail('which checkout of kysely?'))
const withOurs = process.argv[3] !== 'theirs'

function run(command, args, { may = false, env = {} } = {}) {
  const { status } = spawnSync(command, args, {
    cwd: checkout,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  })
  if (status !== 0 && !may) fail(`${command} ${args.join(' ')}: failed`)
  return status ?? 1
}

const tsc = (project, ...more) => run('npx', ['tsc', '-p', project, '--noCheck', ...more], { may: true })

if (!existsSync(join(checkout, 'node_modules', 'mocha'))) {
  run('npm', ['install', '--no-save', '--ignore-scripts', '--legacy-peer-deps', ...DEPENDENCIES])
}
// From 0.29 on kysely has ES modules alone.
const hasCommon = existsSync(join(checkout, 'tsconfig-cjs.json'))
if (!existsSync(join(checkout, 'dist'))) {
  tsc('tsconfig.json')
  if (hasCommon) {
    tsc('tsconfig-cjs.json', '--module', 'commonjs', '--moduleResolution', 'node10')
    run('node', ['scripts/module-fixup.cjs'])
  }
}
rmSync(join(checkout, 'test', 'node', 'dist'), { recursive: true, force: true })
tsc('test/node', '--types', 'node')

/** Replaces a text that has to be there. */
function replace(file, pairs) {
  let text = readFileSync(file, 'utf8')
  for (const [from, to] of pairs) {
    if (!text.includes(from)) fail(`${file} has no ${JSON.stringify(from)}`)
    text = text.replace(from, to)
  }
  writeFileSync(file, text)
}

const dist = join(checkout, 'test', 'node', 'dist')
if (withOurs) {
  const ours = installBeside(checkout, 'kysely')
  const urlOf = (path) => JSON.stringify(pathToFileURL(join(ours, path)).href)
  const setup = `
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { openStorage } from ${urlOf('index.js')};
import { ActorSqliteDialect } from ${urlOf('lib/kysely/index.js')};
const actorStore = mkdtempSync(tmpdir() + '/kysely-suite-');
const actorStorage = await openStorage({ store: actorStore });
let actors = 0;
process.on('exit', () => rmSync(actorStore, { recursive: true, force: true }));
`
  replace(join(dist, 'test-setup.js'), [
    ["import Database from 'better-sqlite3';", setup],
    ['new SqliteDialect({', 'new ActorSqliteDialect({'],
    ['new Database(DIALECT_CONFIGS.sqlite.databasePath)', "actorStorage.open('test-' + ++actors)"],
  ])
  replace(join(dist, 'transaction.test.js'), [
    ["from 'better-sqlite3'", `from ${urlOf('index.js')}`],
    ['SqliteDriver,', 'SqliteDriver as TheirDriver,'],
    [
      'for (const dialect of',
      `import { ActorSqliteDriver as SqliteDriver } from ${urlOf('lib/kysely/index.js')};\nfor (const dialect of`,
    ],
  ])
}

const excluded = withOurs && !hasCommon ? ['--invert', '--grep', EXCLUDED_TESTS] : []
const mocha = ['mocha', '--exit', '--timeout', '15000', ...excluded, 'test/node/dist/**/*.test.js']
process.exit(run('npx', mocha, { may: true, env: { DIALECTS: 'sqlite' } }))
