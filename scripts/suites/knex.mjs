/**
 * Knex's own integration tests on our client: `node scripts/suites/knex.mjs CHECKOUT [theirs]`.
 *
 * CHECKOUT is a copy of knex's repository at the tag to be tested. What its tests import is installed
 * there, this package is copied beside it, and knex's client for better-sqlite3 is replaced by ours: a file
 * name is an actor of a temporary store. `theirs` leaves knex's own. Nothing of it is kept here.
 */

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fail } from '../project.mjs'
import { installBeside } from './beside.mjs'

const DEPENDENCIES = [
  'better-sqlite3@12',
  'chai@4',
  'chai-as-promised@7',
  'chai-subset-in-order@3',
  'cli-testlab@3',
  'JSONStream@1',
  'mocha@10',
  'mock-fs@5',
  'rimraf@5',
  'semver@7',
  'sinon@15',
  'sinon-chai@3',
  'source-map-support@0.5',
]

/** Files that need another driver: node-sqlite3. */
const EXCLUDED_FILES = ['test/integration2/dialects/sqlite.spec.js']

/** Tests by name; why is in docs/COMPATIBILITY.md. */
const EXCLUDED_TESTS = [
  'Connection configuration provider is not used when configuration is static',
  'Connection configuration provider can return a',
  'Connection configuration provider reuses the same resolved config',
  'safeIntegers .* expected: NUMBER',
]

const checkout = resolve(process.argv[2] ?? fail('which checkout of knex?'))
const withOurs = process.argv[3] !== 'theirs'
const modules = join(checkout, 'node_modules')

if (!existsSync(join(modules, 'mocha'))) {
  const install = ['install', '--no-save', '--ignore-scripts', '--legacy-peer-deps', '--omit=dev']
  spawnSync('npm', [...install, ...DEPENDENCIES], { cwd: checkout, stdio: 'inherit' })
}

const CLIENT = `
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { ActorSqlite } = require('actor-sqlite/knex')
const { openDatabase } = require('actor-sqlite')

const store = mkdtempSync(tmpdir() + '/knex-suite-')
process.on('exit', () => rmSync(store, { recursive: true, force: true }))
// Several clients of one file are clients of one database.
const databases = new Map()
let memories = 0

function databaseOf(filename) {
  const actor = filename === ':memory:' ? 'memory-' + ++memories : filename
  if (!databases.has(actor)) databases.set(actor, openDatabase(actor, { store }))
  return databases.get(actor)
}

class Client extends ActorSqlite {
  async acquireRawConnection() {
    const { filename, options } = this.connectionSettings
    this.connectionSettings = { filename, database: await databaseOf(filename), options }
    const connection = await super.acquireRawConnection()
    // The pools of the tests turn foreign keys on by better-sqlite3's own calls; ours are on.
    return Object.assign(connection, { prepare: () => ({ run: () => {} }) })
  }
}
Object.assign(Client.prototype, { driverName: 'better-sqlite3' })
module.exports = Client
`

const client = join(checkout, 'lib', 'dialects', 'better-sqlite3', 'index.js')
const kept = `${client}.theirs`
if (!existsSync(kept)) cpSync(client, kept)
cpSync(kept, client)
if (withOurs) {
  installBeside(checkout, 'knex')
  writeFileSync(client, CLIENT)
}

const mocha = ['mocha', '--exit', '-t', '10000', '--config', 'test/mocha-integration-config-test.js']
const excluded = EXCLUDED_FILES.flatMap((file) => ['--exclude', file])
if (withOurs) excluded.push('--invert', '--grep', EXCLUDED_TESTS.join('|'))
const { status } = spawnSync('npx', [...mocha, ...excluded], {
  cwd: checkout,
  stdio: 'inherit',
  env: { ...process.env, DB: 'better-sqlite3', NODE_NO_WARNINGS: '1' },
})
process.exit(status ?? 1)
