/** Looks for what a build needs, and brings it or names the command that does. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache, capture, digest, fail, once, root, show } from './project.mjs'

const NODE_MIN = [20, 19]
const RUST_MIN = [1, 90]

function older([major, minor], [wantedMajor, wantedMinor]) {
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor)
}

function checkNode() {
  const version = process.versions.node.split('.').map(Number)
  if (older(version, NODE_MIN))
    fail(`Node ${NODE_MIN.join('.')} or newer is needed, this is ${process.version}.`)
}

function checkRust() {
  const { ok, stdout } = capture('cargo', ['--version'])
  if (!ok)
    fail(
      "Rust is missing. Install it:\n  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y",
    )
  const version = /(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number) ?? [0, 0]
  if (older(version, RUST_MIN))
    fail(
      `Rust ${RUST_MIN.join('.')} or newer is needed, this is ${stdout.trim()}. Update it:\n  rustup update stable`,
    )
}

/** Installs Debian packages where that is possible, else says how. */
function install(what, packages, elsewhere) {
  const apt = process.platform === 'linux' && capture('apt-get', ['--version']).ok
  if (apt && process.getuid() === 0) {
    console.log(`${what} is missing: installing ${packages.join(' ')}`)
    const environment = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: 'ignore' }
    show('apt-get', ['update'], environment)
    if (show('apt-get', ['install', '-y', '--no-install-recommends', ...packages], environment)) return
  }
  fail(
    `${what} is missing. Install it:\n  ${apt ? `sudo apt-get install -y ${packages.join(' ')}` : elsewhere}`,
  )
}

function hasLibclang() {
  if (process.env.LIBCLANG_PATH) return true
  if (process.platform === 'darwin') return capture('xcode-select', ['-p']).ok
  if (process.platform !== 'linux') return true
  if (
    capture('ldconfig', ['-p'], {
      env: { ...process.env, PATH: `${process.env.PATH}:/sbin:/usr/sbin` },
    }).stdout.includes('libclang')
  )
    return true
  return (
    capture('sh', [
      '-c',
      'ls /usr/lib/llvm*/lib/libclang*.so* /usr/lib/libclang*.so* /usr/lib64/libclang*.so*',
    ]).stdout !== ''
  )
}

function checkCompilers() {
  if (process.platform === 'win32') return
  if (!capture(process.env.CXX ?? 'c++', ['--version']).ok) {
    install('A C++ compiler', ['g++', 'make'], 'xcode-select --install')
  }
  if (!hasLibclang()) install('libclang', ['libclang-dev'], 'your package manager: libclang, or clang')
}

/** Tests ask stock SQLite about the files that are exported. */
export function checkSqlite() {
  if (!capture('sqlite3', ['--version']).ok) install("SQLite's shell", ['sqlite3'], 'brew install sqlite')
}

/** Runs `npm ci` unless the packages of this lock file are there. */
export function installPackages() {
  const lock = join(root, 'package-lock.json')
  const installed = join(root, 'node_modules', '.package-lock.json')
  once(join(root, 'node_modules', '.installed'), digest([lock]), [installed], () => {
    console.log('npm ci')
    if (
      !show('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
        shell: process.platform === 'win32',
      })
    ) {
      fail('npm ci failed.')
    }
  })
}

/** All that building and testing need. */
export function checkToolchain() {
  checkNode()
  checkRust()
  checkCompilers()
}

/** The first build of RocksDB is long: say so. */
export function announceFirstBuild(target) {
  const built = existsSync(join(target, 'release', 'build')) && readFirst(target)
  if (!built)
    console.log(`The first build compiles RocksDB: about ten minutes on two cores, kept in ${cache}.`)
}

function readFirst(target) {
  try {
    return readFileSync(join(target, '.rustc_info.json'), 'utf8') !== ''
  } catch {
    return false
  }
}

/** A Node of a major version: this one, or the binary that npm's package of it brings. */
export function nodeBinary(major) {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  const directory = join(cache, 'nodes', String(major))
  const binary = join(directory, 'node_modules', 'node', 'bin', 'node')
  if (!existsSync(binary)) {
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'package.json'), '{ "private": true }')
    const { ok, output } = capture(
      'npm',
      ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', `node@${major}`],
      { cwd: directory },
    )
    if (!ok) throw new Error(`npm install node@${major}\n${output}`)
  }
  return binary
}
