/** What a process and a directory take, from the system. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const MIB = 1 << 20

function status(field: string): number {
  const line = readFileSync('/proc/self/status', 'utf8').match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))
  return Number(line?.[1] ?? Number.NaN) / 1024
}

/** Resident memory now, in MiB. */
export const residentMib = (): number => status('VmRSS')

/** The most resident memory since `resetPeak`, in MiB. */
export const peakMib = (): number => status('VmHWM')

/** Lets the peak begin at what is resident now. */
export const resetPeak = (): void => writeFileSync('/proc/self/clear_refs', '5')

/** Bytes of all files below a directory, in MiB. */
export function directoryMib(path: string): number {
  let bytes = 0
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name)
    try {
      bytes += entry.isDirectory() ? directoryMib(child) * MIB : statSync(child).size
    } catch {
      // Gone meanwhile: the store deletes files as it works.
    }
  }
  return bytes / MIB
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits until the store has nothing left to compact, and its directory has not changed for a while. */
export async function settled(waiting: () => number, path: string, patienceMs = 90_000): Promise<void> {
  const until = performance.now() + patienceMs
  let before = Number.NaN
  let quiet = 0
  while (performance.now() < until && quiet < 6) {
    await sleep(1500)
    const now = directoryMib(path)
    quiet = waiting() === 0 && Math.abs(now - before) < 1 ? quiet + 1 : 0
    before = now
  }
}
