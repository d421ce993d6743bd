/**
 * better-sqlite3's own tests on our class: `node scripts/suites/better-sqlite3.mjs CHECKOUT [FILE…]`.
 *
 * CHECKOUT is a copy of better-sqlite3's repository. Its main module is replaced by one that exports our
 * class, what its tests import is installed there, and each test file is run by itself, as one that cannot
 * end must not take the others with it. Nothing of it is kept here.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fail, root } from '../project.mjs'

const DEPENDENCIES = ['chai@4', 'cli-color@2', 'fs-extra@11', 'mocha@11']
const FILE_MS = 60_000
const SETUP = '00.setup.js'

/** Their subject is not here: entry points of its package, files of a WAL, extensions, copies to files. */
const LEFT_OUT = [
  '02.entrypoints.js',
  '31.database.checkpoint.js',
  '35.database.load-extension.js',
  '41.at-exit.js',
]

const checkout = resolve(process.argv[2] ?? fail('which checkout of better-sqlite3?'))
const wanted = process.argv.slice(3)

const main = join(root, 'lib', 'better-sqlite3', 'index.js')
writeFileSync(join(checkout, 'index.js'), `module.exports = require(${JSON.stringify(main)})\n`)
writeFileSync(join(checkout, 'package.json'), JSON.stringify({ private: true, main: 'index.js' }))
if (!existsSync(join(checkout, 'node_modules', 'mocha'))) {
  const { status } = spawnSync('npm', ['install', '--no-save', ...DEPENDENCIES], {
    cwd: checkout,
    stdio: 'inherit',
  })
  if (status !== 0) fail('npm install failed')
}

const all = readdirSync(join(checkout, 'test')).filter((file) => /^\d.*\.js$/.test(file) && file !== SETUP)
const files = wanted.length > 0 ? wanted : all.filter((file) => !LEFT_OUT.includes(file)).sort()
const sum = { passes: 0, failures: 0 }
for (const file of files) {
  const args = ['mocha', '--exit', '--timeout', '5000', '--reporter', 'json', `test/${SETUP}`, `test/${file}`]
  const options = { cwd: checkout, encoding: 'utf8', timeout: FILE_MS, maxBuffer: 1 << 28 }
  const { stdout } = spawnSync('npx', args, options)
  let report
  try {
    report = JSON.parse(stdout.slice(stdout.indexOf('{\n  "stats"')))
  } catch {
    console.log(`${file}: did not end`)
    continue
  }
  const { passes, failures } = report.stats
  sum.passes += passes
  sum.failures += failures
  console.log(`${file}: ${passes} passed, ${failures} failed`)
  for (const { fullTitle, err } of report.failures) {
    console.log(`  - ${fullTitle}: ${(err.message ?? '').split('\n', 1)[0]}`)
  }
}
console.log(`${sum.passes} passed, ${sum.failures} failed`)
