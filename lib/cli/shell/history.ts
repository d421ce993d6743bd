/** The shell's history of lines: in the user's state directory, for the user's eyes only. */

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** The most lines that are kept. */
export const HISTORY_MAX = 1000

/** The file; `undefined` if `ACTOR_SQLITE_HISTORY` is set to nothing. */
function historyFile(): string | undefined {
  const chosen = process.env['ACTOR_SQLITE_HISTORY']
  if (chosen !== undefined) return chosen === '' ? undefined : chosen
  const local = process.platform === 'win32' ? process.env['LOCALAPPDATA'] : process.env['XDG_STATE_HOME']
  return join(local || join(homedir(), '.local', 'state'), 'actor-sqlite', 'history')
}

/** The lines of earlier shells, newest first. */
export function loadHistory(): string[] {
  const file = historyFile()
  if (file === undefined) return []
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean).reverse().slice(0, HISTORY_MAX)
  } catch {
    return []
  }
}

/** Keeps the newest lines for later shells. What cannot be kept is no reason to fail. */
export function saveHistory(newestFirst: readonly string[]): void {
  const file = historyFile()
  if (file === undefined || newestFirst.length === 0) return
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const lines = newestFirst.slice(0, HISTORY_MAX).toReversed()
    writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
    // A file that was there keeps its mode when it is written.
    chmodSync(file, 0o600)
  } catch {
    // A home directory that cannot be written.
  }
}
