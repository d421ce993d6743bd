/** What a path means. */

import { fileURLToPath } from 'node:url'
import { invalidArgType } from './errors.js'

/** What a path says. */
export interface Location {
  readonly path: string
  /** In memory: `:memory:`, the empty name, or `mode=memory`. */
  readonly memory: boolean
  /** `mode=ro`. */
  readonly readOnly: boolean
  /** `mode=rw`, or `mode=ro`. */
  readonly mustExist: boolean
}

/** A path given as a string, as the bytes of one, or as a `file:` URL; strings may be such URLs too. */
export function locationOf(given: unknown): Location {
  const text = textOf(given)
  if (text === undefined || text.includes('\0')) {
    throw invalidArgType('The "path" argument must be a string, Uint8Array, or URL without null bytes.')
  }
  if (!text.startsWith('file:')) {
    return { path: text, memory: text === '' || text === ':memory:', readOnly: false, mustExist: false }
  }
  const { path, mode } = ofUri(text)
  const memory = mode === 'memory' || path === '' || path === ':memory:'
  return { path, memory, readOnly: mode === 'ro', mustExist: mode === 'ro' || mode === 'rw' }
}

function textOf(given: unknown): string | undefined {
  if (typeof given === 'string') return given
  if (given instanceof Uint8Array) return Buffer.from(given).toString()
  if (!isUrl(given)) return undefined
  if (!given.href.startsWith('file:')) {
    throw Object.assign(new TypeError('The URL must be of scheme file:'), { code: 'ERR_INVALID_URL_SCHEME' })
  }
  return given.href
}

function isUrl(given: unknown): given is URL {
  return typeof given === 'object' && given !== null && typeof (given as URL).href === 'string'
}

/** SQLite's own form of a URL has relative paths as well, which Node's has not. */
function ofUri(text: string): { path: string; mode: string | null } {
  const end = text.search(/[?#]/)
  const bare = end < 0 ? text : text.slice(0, end)
  const [, query = ''] = text.split('#', 1)[0]?.split('?', 2) ?? []
  const mode = new URLSearchParams(query).get('mode')
  const path = bare.startsWith('file:/')
    ? fileURLToPath(bare)
    : decodeURIComponent(bare.slice('file:'.length))
  return { path, mode }
}
