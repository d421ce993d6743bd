/** Loads the addon, and says what to do when there is none for this machine. */

import { createRequire } from 'node:module'
import type * as Native from '../native.cjs'

/** What the addon exports. */
export type NativeModule = typeof Native

const require = createRequire(import.meta.url)

/** Platforms that a package is published for, as `process.platform-process.arch-libc`. */
const PLATFORMS = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
  'win32-arm64-msvc',
]

function libc(): string {
  if (process.platform === 'win32') return '-msvc'
  if (process.platform !== 'linux') return ''
  const report = process.report?.getReport() as unknown as
    | { header?: { glibcVersionRuntime?: string } }
    | undefined
  return report?.header?.glibcVersionRuntime === undefined ? '-musl' : '-gnu'
}

/** The messages of an error and of all that caused it, which is where the loader says what it tried. */
function reasons(error: unknown): string[] {
  const lines: string[] = []
  for (let cause = error; cause instanceof Error && lines.length < 12; cause = cause.cause) {
    const line = cause.message.split('\n', 1)[0]
    if (line !== undefined && !lines.includes(line)) lines.push(line)
  }
  return lines
}

function load(): NativeModule {
  try {
    return require('../native.cjs') as NativeModule
  } catch (error) {
    const platform = `${process.platform}-${process.arch}${libc()}`
    const known = PLATFORMS.includes(platform)
    const advice = known
      ? `Install it with "npm install actor-sqlite-${platform}". If it should have been installed, npm left an optional dependency out (npm/cli#4828): remove node_modules and package-lock.json and install again, without --omit=optional.`
      : `There is no package for this platform; there are packages for ${PLATFORMS.join(', ')}. Build it from source with "npm run build".`
    const message = `actor-sqlite cannot load its native addon for ${platform} (Node ${process.version}).
Tried actor-sqlite.${platform}.node beside the package and the package actor-sqlite-${platform}:
${reasons(error)
  .map((line) => `  - ${line}`)
  .join('\n')}
${advice}`
    throw Object.assign(new Error(message, { cause: error }), { code: 'ERR_ADDON_NOT_FOUND' })
  }
}

export const native = load()
