/**
 * Node's own tests of `node:sqlite` on ours: `node scripts/suites/node-sqlite.mjs CHECKOUT`.
 *
 * CHECKOUT is a copy of Node's repository, of which `test/` is enough; the tests run with the Node that
 * runs this, which must be as new as they are. Whatever imports `node:sqlite` gets ours in its place;
 * `node scripts/suites/node-sqlite.mjs CHECKOUT theirs` leaves Node's own. More arguments: parts of the
 * names of the files to run. Nothing of it is kept here.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { fail, root } from '../project.mjs'

const checkout = resolve(process.argv[2] ?? fail('which checkout of Node?'))
const withOurs = process.argv[3] !== 'theirs'
const wanted = process.argv.slice(withOurs ? 3 : 4)

const scratch = mkdtempSync(join(tmpdir(), 'node-sqlite-suite-'))
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }))

/** Puts ours in the place of Node's, for `import` and `require`, in workers too. */
function hook() {
  const ours = JSON.stringify(pathToFileURL(join(root, 'lib', 'node-sqlite', 'index.js')).href)
  const file = join(scratch, 'hook.mjs')
  writeFileSync(
    file,
    `import Module from 'node:module'
import * as ours from ${ours}
const load = Module._load
Module._load = function (request, ...rest) {
  return request === 'node:sqlite' ? ours : load.call(this, request, ...rest)
}
Module.registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'node:sqlite' ? { url: ${ours}, shortCircuit: true } : next(specifier, context),
})
`,
  )
  return ['--import', pathToFileURL(file).href]
}

/** The tests of a file that failed, and how many there were. */
function outcome(output) {
  const failed = [...output.matchAll(/^ *not ok \d+ - (.*)$/gm)].map(([, name]) => name)
  const number = (what) => Number(output.match(new RegExp(`^# ${what} (\\d+)$`, 'm'))?.[1] ?? 0)
  return { run: number('tests'), passed: number('pass'), skipped: number('skipped'), failed }
}

const directory = join(checkout, 'test', 'parallel')
const files = readdirSync(directory).filter(
  (file) =>
    /^test-sqlite.*\.m?js$/.test(file) && (wanted.length === 0 || wanted.some((part) => file.includes(part))),
)
if (files.length === 0) fail(`${directory} has no tests of SQLite`)

const flags = ['--expose-gc', '--no-warnings', '--test-reporter=tap', ...(withOurs ? hook() : [])]
const sum = { run: 0, passed: 0, skipped: 0 }
for (const file of files) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, join(directory, file)], {
    encoding: 'utf8',
    timeout: 120_000,
    env: { ...process.env, NODE_TEST_DIR: scratch },
  })
  const { run, passed, skipped, failed } = outcome(stdout)
  for (const key of Object.keys(sum)) sum[key] += { run, passed, skipped }[key]
  console.log(`${file}: ${run} run, ${passed} passed${skipped ? `, ${skipped} skipped` : ''}`)
  for (const name of failed) console.log(`  ${name}`)
  if (run === 0 || process.env.SHOW)
    console.log(`${stdout.slice(-20_000)}\n${stderr.slice(-4000)}\nstatus ${status}`)
}
console.log(`${sum.run} run, ${sum.passed} passed, ${sum.skipped} skipped`)
