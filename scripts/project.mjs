/** Where things are, and how the scripts run programs. Plain Node: used before anything is installed. */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** What is kept between runs: RocksDB's build above all. */
export const cache =
  process.env.ACTOR_SQLITE_CACHE_DIR ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'actor-sqlite')

export const target = resolve(process.env.CARGO_TARGET_DIR ?? join(cache, 'target'))

/** Where napi-derive writes what the addon exports while the crate is compiled. */
export const typeDefinitions = join(target, 'napi-types')

/** The environment of all cargo calls: one, so that none makes another build again. */
export function cargoEnvironment() {
  return { ...process.env, CARGO_TARGET_DIR: target }
}

/** Ends the script with a message for people, not a stack. */
export function fail(message) {
  console.error(`\n${message}`)
  process.exit(1)
}

/** Runs a program with its output shown; whether it succeeded. */
export function show(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) console.error(`${command}: ${error.message}`)
  return status === 0
}

/** Runs a program and gives what it printed. */
export function capture(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, ...options })
  const { status, stdout, stderr } = result
  return { ok: status === 0, output: `${stdout ?? ''}${stderr ?? ''}`, stdout: stdout ?? '' }
}

/** The name in the middle of the addon's file: `linux-x64-gnu`. */
export function platform() {
  const { platform: os, arch } = process
  if (os === 'win32') return `win32-${arch}-msvc`
  if (os !== 'linux') return `${os}-${arch}`
  return `linux-${arch}-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}`
}

/** The files below some paths, sorted. */
export function filesBelow(...paths) {
  const found = []
  for (const path of paths) {
    const full = join(root, path)
    if (!existsSync(full)) continue
    const entries = readdirSync(full, { withFileTypes: true, recursive: true })
    for (const entry of entries)
      if (entry.isFile()) found.push(join(entry.parentPath ?? entry.path, entry.name))
  }
  return found.sort()
}

/** A digest of files and texts. */
export function digest(files, ...texts) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(file).update('\0').update(readFileSync(file)).update('\0')
  for (const text of texts) hash.update(text).update('\0')
  return hash.digest('hex')
}

/** Does something unless it was done for the same inputs already, as a note beside its result says. */
export function once(note, inputs, results, work) {
  const known = existsSync(note) ? readFileSync(note, 'utf8') : ''
  if (known === inputs && results.every((file) => existsSync(file))) return false
  work()
  mkdirSync(join(note, '..'), { recursive: true })
  writeFileSync(note, inputs)
  return true
}

export function packageJson() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}
