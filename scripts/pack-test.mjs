/**
 * Packs the package and the one of this platform as they are published, installs them into an empty
 * directory with no Rust in sight, and uses them: on Node 20, 22 and 24, by import and by require.
 */

import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { capture, packageJson, platform, root } from './project.mjs'
import { nodeBinary } from './toolchain.mjs'

const NODES = [20, 22, 24]

const PROGRAM = `
  const db = await openDatabase('packed', { store: process.argv[2] })
  await db.exec('CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY, b TEXT)')
  const { changes } = await db.run('INSERT INTO t (b) VALUES (?)', 'größe')
  const row = await db.get('SELECT count(*) AS n, max(b) AS b FROM t')
  await db.close()
  console.log(changes, row.n > 0, row.b)
`

const work = mkdtempSync(join(tmpdir(), 'actor-sqlite-pack-'))
let passed = 0
let failed = 0

function check(name, ok, output) {
  if (ok) passed += 1
  else failed += 1
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}${ok ? '' : `\n${output}`}`)
}

function npm(args, cwd, env = process.env) {
  const result = capture('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd, env })
  if (!result.ok) throw new Error(`npm ${args.join(' ')}\n${result.output}`)
  return result.stdout
}

/** Packs a directory; gives the file. */
function pack(directory) {
  const [{ filename }] = JSON.parse(
    npm(['pack', '--json', '--ignore-scripts', '--pack-destination', work], directory),
  )
  return join(work, filename)
}

/** The platform package is made of its directory under npm/ and the addon. */
function packPlatform() {
  const directory = join(work, 'platform')
  cpSync(join(root, 'npm', platform()), directory, { recursive: true })
  const addon = `actor-sqlite.${platform()}.node`
  cpSync(join(root, addon), join(directory, addon))
  return pack(directory)
}

/** The main package, with the optional dependencies that publishing writes into it. */
function packMain() {
  const { files, napi, version } = packageJson()
  const directory = join(work, 'main')
  mkdirSync(directory)
  for (const file of [
    'index.js',
    'index.d.ts',
    'native.cjs',
    'native.d.cts',
    'LICENSE',
    'README.md',
    ...files,
  ]) {
    const path = file.split('/')[0]
    if (existsSync(join(root, path))) cpSync(join(root, path), join(directory, path), { recursive: true })
  }
  const optionalDependencies = Object.fromEntries(
    readdirSync(join(root, 'npm')).map((name) => [`${napi.packageName}-${name}`, version]),
  )
  const manifest = { ...packageJson(), optionalDependencies, devDependencies: undefined, scripts: undefined }
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest, null, 2))
  return pack(directory)
}

/** What those who look at packages from outside say of it: its manifest, and its types by each way to import them. */
function lint(tarball) {
  const bin = (name) => join(root, 'node_modules', '.bin', name)
  const published = capture(bin('publint'), ['run', '--strict', tarball])
  check('publint', published.ok, published.output)
  const types = capture(bin('attw'), [
    tarball,
    '--profile',
    'esm-only',
    '--no-definitely-typed',
    '--no-emoji',
  ])
  check('are the types wrong', types.ok, types.output)
}

/** An empty project with some packages installed. */
function install(name, ...tarballs) {
  const directory = join(work, name)
  mkdirSync(directory)
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name, private: true }))
  npm(
    ['install', '--no-save', '--omit=optional', '--offline', '--ignore-scripts', ...tarballs],
    directory,
    withoutRust(),
  )
  return directory
}

/** The environment without cargo and rustc. */
function withoutRust() {
  const path = (process.env.PATH ?? '').split(delimiter)
  const bare = path.filter(
    (directory) => !['cargo', 'rustc'].some((tool) => existsSync(join(directory, tool))),
  )
  const { CARGO_HOME: _, CARGO_TARGET_DIR: __, ...rest } = process.env
  return { ...rest, PATH: bare.join(delimiter), NAPI_RS_ENFORCE_VERSION_CHECK: '1' }
}

function run(binary, directory, file, ...args) {
  const env = { ...withoutRust(), PATH: `${dirname(binary)}${delimiter}${withoutRust().PATH}` }
  const { status, stdout, stderr } = spawnSync(binary, [file, ...args], {
    cwd: directory,
    env,
    encoding: 'utf8',
  })
  return { ok: status === 0, stdout, output: `${stdout}${stderr}` }
}

function tryOn(major, project) {
  let binary
  try {
    binary = nodeBinary(major)
  } catch (error) {
    check(`Node ${major} can be had`, false, error.message)
    return
  }
  const store = join(work, `store-${major}`)
  for (const file of ['esm.mjs', 'cjs.cjs']) {
    const { ok, stdout, output } = run(binary, project, file, store)
    check(`Node ${major}, ${file}`, ok && stdout === '1 true größe\n', output)
  }
  const program = join('node_modules', '.bin', 'actor-sqlite')
  const counted = run(binary, project, program, 'query', 'packed', 'SELECT count(*) FROM t', '--store', store)
  check(`Node ${major}, the program`, counted.ok && counted.stdout === '2\n', counted.output)
}

function checkTypes(project) {
  writeFileSync(
    join(project, 'consumer.ts'),
    `import { openDatabase, type Row } from 'actor-sqlite'
const db = await openDatabase('a', { store: './data' })
const row: Row | undefined = await db.get('SELECT ?', 1n)
const typed: { a: number }[] = await db.all<{ a: number }>('SELECT 1 AS a')
const hits: number = db.metrics.vfs.cacheHits
// @ts-expect-error: undefined cannot be bound
await db.run('SELECT ?', undefined)
// @ts-expect-error: there is no such option
await openDatabase('a', { store: './data', readOnly: true })
// @ts-expect-error: internal
db._scope
console.log(row, typed, hits)
`,
  )
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const types = join(root, 'node_modules', '@types')
  const options = [
    '--strict',
    '--noEmit',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023,esnext.disposable',
  ]
  const result = capture(
    process.execPath,
    [tsc, ...options, '--typeRoots', types, '--types', 'node', 'consumer.ts'],
    { cwd: project },
  )
  check('types of the installed package', result.ok, result.output)
}

try {
  const [main, addon] = [packMain(), packPlatform()]
  const megabytes = (file) => readFileSync(file).length / 1e6
  check(`the package is small: ${megabytes(main).toFixed(2)} MB`, megabytes(main) < 0.3, '')
  check(`the platform package is at most 15 MB: ${megabytes(addon).toFixed(2)} MB`, megabytes(addon) < 15, '')
  lint(main)
  const project = install('project', main, addon)
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'project', private: true, type: 'module' }),
  )
  writeFileSync(join(project, 'esm.mjs'), `import { openDatabase } from 'actor-sqlite'\n${PROGRAM}`)
  writeFileSync(
    join(project, 'cjs.cjs'),
    `const { openDatabase } = require('actor-sqlite')\n;(async () => {${PROGRAM}})()`,
  )
  for (const major of NODES) tryOn(major, project)
  checkTypes(project)
  const bare = install('bare', main)
  writeFileSync(
    join(bare, 'esm.mjs'),
    "import('actor-sqlite').catch(({ code, message }) => console.log(code, message))",
  )
  const { stdout, output } = run(process.execPath, bare, 'esm.mjs')
  check(
    'without its platform package it says so',
    stdout.includes(`npm install actor-sqlite-${platform()}`),
    output,
  )
} catch (error) {
  check('packing and installing', false, String(error?.stack ?? error))
} finally {
  rmSync(work, { recursive: true, force: true })
}

console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
