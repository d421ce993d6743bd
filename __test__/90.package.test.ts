import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as library from '../index.js'
import { root, temporaryDirectory } from './support.js'

test('the package exports what is documented, and nothing else', () => {
  expect(Object.keys(library).sort()).toEqual([
    'Database',
    'DatabaseSync',
    'Queryable',
    'RollbackError',
    'RowIteratorSync',
    'Scoped',
    'SqliteError',
    'Statement',
    'StatementSync',
    'Storage',
    'StorageError',
    'Transaction',
    'inspectorMetrics',
    'openDatabase',
    'openDatabaseSync',
    'openStorage',
    'prometheus',
  ])
})

test('require() gives the same module', () => {
  const require = createRequire(import.meta.url)
  expect(Object.keys(require('../index.js')).sort()).toEqual(Object.keys(library).sort())
})

test.runIf(process.platform === 'linux')('the addon exports the entry of Node-API alone', () => {
  const addons = readdirSync(root).filter((file) => /^actor-sqlite\.linux-.*\.node$/.test(file))
  expect(addons.length).toBeGreaterThan(0)
  for (const addon of addons) {
    const symbols = execFileSync('nm', ['-D', '--defined-only', join(root, addon)], { encoding: 'utf8' })
    const names = symbols
      .trim()
      .split('\n')
      .map((line) => line.split(' ').at(-1))
    expect(names.filter((name) => !name?.startsWith('napi_register_module_v1'))).toEqual([])
  }
})

test('a platform without an addon is told what was tried and what to do', () => {
  const copy = join(temporaryDirectory(), 'package')
  mkdirSync(copy)
  for (const file of ['package.json', 'index.js', 'native.cjs', 'lib']) {
    cpSync(join(root, file), join(copy, file), { recursive: true })
  }
  const run = (prelude: string) =>
    execFileSync(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `${prelude}\nimport('${copy}/index.js').catch((e) => console.log(e.code + '\\n' + e.message))`,
      ],
      { encoding: 'utf8' },
    )
  const here = run('')
  expect(here).toContain('ERR_ADDON_NOT_FOUND')
  expect(here).toContain(`${process.platform}-${process.arch}`)
  expect(here).toContain('npm install actor-sqlite-')
  expect(here).toMatch(/ {2}- .*Cannot find/)
  const elsewhere = run("Object.defineProperty(process, 'arch', { value: 'mips' })")
  expect(elsewhere).toContain('There is no package for this platform')
  rmSync(copy, { recursive: true })
})

test('the packed files are those that are needed', () => {
  const listed = execFileSync(
    'npm',
    ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  )
  const [{ files }] = JSON.parse(listed) as [{ files: { path: string }[] }]
  const paths = files.map(({ path }) => path)
  for (const path of [
    'index.js',
    'index.d.ts',
    'native.cjs',
    'native.d.cts',
    'LICENSE',
    'README.md',
    'package.json',
  ]) {
    expect(paths).toContain(path)
  }
  expect(paths.filter((path) => /\.node$|(?<!\.d)\.ts$|^(scripts|crates|__test__)\//.test(path))).toEqual([])
})

test('versions of all packages are one', () => {
  const version = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8')).version
  for (const directory of readdirSync(join(root, 'npm'))) {
    expect(version(`npm/${directory}/package.json`), directory).toBe(version('package.json'))
  }
  expect(readFileSync(join(root, 'Cargo.toml'), 'utf8')).toContain(`version = "${version('package.json')}"`)
})
