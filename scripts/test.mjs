/**
 * `npm test`: every check of the project. A line a suite; what failed is shown whole. The last line
 * is the sum over all: `N passed, N failed`.
 *
 *     npm test -- [suite…]    runs only suites whose names begin so
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from './build.mjs'
import { capture, cargoEnvironment, filesBelow, root } from './project.mjs'
import { buildExamples } from './start.mjs'
import { checkSqlite } from './toolchain.mjs'

const wanted = process.argv.slice(2)
const reports = join(root, 'node_modules', '.cache', 'actor-sqlite')
const bin = (name) => join(root, 'node_modules', '.bin', name)
let passed = 0
let failed = 0

/** Runs one suite: `run` gives `{ passed, failed, output }`. */
function suite(name, run) {
  if (wanted.length > 0 && !wanted.some((prefix) => name.startsWith(prefix))) return
  const started = performance.now()
  let result
  try {
    result = run()
  } catch (error) {
    result = { passed: 0, failed: 1, output: String(error?.stack ?? error) }
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  passed += result.passed
  failed += result.failed
  if (result.failed > 0) console.log(`${result.output.trimEnd()}\n`)
  const verdict =
    result.failed === 0 ? `${result.passed} passed` : `${result.passed} passed, ${result.failed} failed`
  console.log(`${name.padEnd(26)} ${verdict.padEnd(24)} ${seconds} s`)
}

/** A program that is one check. */
function check(command, args, options) {
  const { ok, output } = capture(command, args, options)
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, output }
}

const cargo = (...args) =>
  capture('cargo', args, { env: { ...cargoEnvironment(), CARGO_TERM_COLOR: 'never' } })

/** cargo's own counts; a run that ends without a count, at a compile error say, is a failure. */
function rustTests() {
  const { ok, output } = cargo('test', '--release', '--workspace', '--no-fail-fast')
  let [good, bad] = [0, 0]
  for (const [, some, others] of output.matchAll(/^test result: .*? (\d+) passed; (\d+) failed;/gm)) {
    good += Number(some)
    bad += Number(others)
  }
  if (!ok && bad === 0) bad = 1
  return { passed: good, failed: bad, output: withoutNoise(output) }
}

/** cargo's output without the lines that say that all is well. */
function withoutNoise(output) {
  const noise =
    /^(test .* \.\.\. ok|test result: ok\..*|running \d+ tests?|\s+(Running|Compiling|Finished|Doc-tests) .*)$/
  const lines = output.split('\n').filter((line) => !noise.test(line))
  return lines.join('\n').replace(/\n{3,}/g, '\n\n')
}

function vitest() {
  checkSqlite()
  mkdirSync(reports, { recursive: true })
  const report = join(reports, 'vitest.json')
  rmSync(report, { force: true })
  const { ok, output } = capture(
    bin('vitest'),
    ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    {
      env: { ...process.env, NO_COLOR: '1' },
    },
  )
  if (!existsSync(report)) return { passed: 0, failed: 1, output }
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'))
  // A file that cannot be loaded has no tests to fail.
  const bad = numFailedTests === 0 && !ok ? 1 : numFailedTests
  return { passed: numPassedTests, failed: bad, output }
}

/** What is checked in must be what the sources make. */
function declarations() {
  const files = [join(root, 'index.d.ts'), ...filesBelow('lib').filter((file) => file.endsWith('.d.ts'))]
  const before = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]))
  const { ok, output } = capture(bin('tsc'), ['-p', 'tsconfig.json'])
  const stale = files.filter((file) => readFileSync(file, 'utf8') !== before.get(file))
  const untracked = capture('git', ['status', '--porcelain', '--', 'index.d.ts', 'lib']).stdout
  const dirty = untracked.split('\n').filter((line) => line.endsWith('.d.ts'))
  const bad = !ok || stale.length > 0 || (process.env.CI && dirty.length > 0)
  return {
    passed: bad ? 0 : 1,
    failed: bad ? 1 : 0,
    output: `${output}\nDeclarations differ from what is checked in: ${[...stale, ...dirty].join(', ')}`,
  }
}

/** The programs of the README, as a user runs them. */
function examples() {
  buildExamples()
  const folder = mkdtempSync(join(tmpdir(), 'actor-sqlite-examples-'))
  const program = (name, ...args) =>
    capture(process.execPath, [join(root, 'build', 'examples', name, 'main.js'), ...args], { cwd: folder })
  const runs = [
    program('notes', 'buy', 'milk'),
    program('chat'),
    program('host', '--actors', '200', '--kills', '1'),
    // Again, on the store it has.
    program('host', '--actors', '200', '--kills', '0'),
  ]
  rmSync(folder, { recursive: true })
  const bad = runs.filter(({ ok }) => !ok)
  return {
    passed: runs.length - bad.length,
    failed: bad.length,
    output: bad.map((run) => run.output).join('\n'),
  }
}

await build()

suite('cargo fmt', () => check('cargo', ['fmt', '--all', '--check']))
suite('cargo clippy', () => {
  const { ok, output } = cargo(
    'clippy',
    '--release',
    '--workspace',
    '--all-targets',
    '--quiet',
    '--',
    '-D',
    'warnings',
  )
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, output }
})
suite('cargo test', rustTests)
suite('biome', () => check(bin('biome'), ['check', '--colors=off', '.']))
suite('declarations', declarations)
suite('types', () => check(bin('tsc'), ['-p', '__test__/tsconfig.json']))
suite('types of tools', () => check(bin('tsc'), ['-p', 'tsconfig.tools.json', '--noEmit']))
suite('examples', examples)
suite('notices', () =>
  check(process.execPath, ['scripts/notices.mjs', '--check'], { env: cargoEnvironment() }))
suite('vitest', vitest)
suite('package', () => {
  const { ok, output } = capture(process.execPath, ['scripts/pack-test.mjs'])
  const counts = /(\d+) passed, (\d+) failed\s*$/.exec(output)
  if (!counts) return { passed: 0, failed: 1, output }
  return {
    passed: Number(counts[1]),
    failed: ok ? Number(counts[2]) : Math.max(1, Number(counts[2])),
    output,
  }
})

console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
