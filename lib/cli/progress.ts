/** A line on standard error that says how far a long command is. */

const EVERY_MS = 100
const BAR = 24

const SCALES = ['', 'k', 'M', 'G', 'T'] as const

/** 1.2 MB, 34 k rows. */
export function amount(value: number, unit: string): string {
  let scaled = value
  let scale = 0
  for (; scaled >= 1000 && scale < SCALES.length - 1; scale += 1) scaled /= 1000
  const digits = scale > 0 && scaled < 100 ? scaled.toFixed(1) : String(Math.round(scaled))
  return unit === 'B' ? `${digits} ${SCALES[scale]}B` : `${digits}${SCALES[scale]} ${unit}`
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}

/** Draws only on a terminal, and not if it is to be quiet. */
export class Progress {
  readonly #label: string
  readonly #unit: string
  readonly #shown: boolean
  readonly #started = performance.now()
  #drawn = 0

  constructor(label: string, unit: string, quiet: boolean) {
    this.#label = label
    this.#unit = unit
    this.#shown = !quiet && process.stderr.isTTY === true
  }

  /** Says how much is done, and of how much where that is known. */
  update(done: number, total?: number): void {
    const now = performance.now()
    if (!this.#shown || now - this.#drawn < EVERY_MS) return
    this.#drawn = now
    const seconds = (now - this.#started) / 1000
    const rate = done / Math.max(seconds, 0.001)
    const speed = `${amount(rate, this.#unit)}/s`
    const parts = [amount(done, this.#unit), speed]
    if (total !== undefined && total > 0) {
      const share = Math.min(1, done / total)
      const full = Math.round(share * BAR)
      parts.unshift(`[${'#'.repeat(full)}${'.'.repeat(BAR - full)}] ${Math.floor(share * 100)}%`)
      if (rate > 0) parts.push(`${duration((total - done) / rate)} left`)
    }
    process.stderr.write(`\r\x1b[K${this.#label} ${parts.join('  ')}`)
  }

  /** Wipes the line. */
  end(): void {
    if (this.#drawn > 0) process.stderr.write('\r\x1b[K')
  }
}
