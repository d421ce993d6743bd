/** This package as another project's tests have it. */

import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../project.mjs'

/**
 * Copies this package into a checkout's modules, with the checkout itself as the peer it adapts to: so that
 * there is one of it, of the version that is tested. Gives the copy's directory.
 */
export function installBeside(checkout, peer) {
  const modules = join(checkout, 'node_modules')
  const ours = join(modules, 'actor-sqlite')
  rmSync(ours, { recursive: true, force: true })
  mkdirSync(ours)
  const binaries = readdirSync(root).filter((name) => name.endsWith('.node'))
  for (const name of ['package.json', 'index.js', 'native.cjs', 'lib', ...binaries]) {
    cpSync(join(root, name), join(ours, name), { recursive: true })
  }
  rmSync(join(modules, peer), { recursive: true, force: true })
  symlinkSync(checkout, join(modules, peer))
  return ours
}
