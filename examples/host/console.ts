/** What the host prints: headings, tables and progress bars. Nothing of it is needed to run actors. */

const colour = process.stdout.isTTY && !process.env['NO_COLOR']

const paint = (code: string, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)

export const bold = (text: string) => paint('1', text)
export const green = (text: string) => paint('32', text)
export const red = (text: string) => paint('31', text)
export const dim = (text: string) => paint('2', text)

export const count = (n: number) => Math.round(n).toLocaleString('en-US')

export function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  let unit = 0
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024
    unit += 1
  }
  return `${n.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`
}

export const ms = (n: number) => (n < 10 ? `${n.toFixed(2)} ms` : `${count(n)} ms`)

export function heading(text: string): void {
  console.log(`\n${bold(text)}`)
}

/** Prints rows under column names; numbers to the right. */
export function table(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? count(cell) : cell)))
  const widths = columns.map((name, i) => Math.max(name.length, ...cells.map((row) => (row[i] ?? '').length)))
  const line = (row: readonly string[], numeric: readonly boolean[]) =>
    `  ${row.map((cell, i) => (numeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ')}`.trimEnd()
  const numeric = columns.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number'))
  console.log(dim(line(columns, numeric)))
  for (const row of cells) console.log(line(row, numeric))
}

/** A progress bar on stderr; silent where stderr is not a terminal. */
export class Progress {
  readonly #label: string
  readonly #total: number
  readonly #started = performance.now()
  #drawn = 0

  constructor(label: string, total: number) {
    this.#label = label
    this.#total = total
  }

  update(done: number): void {
    const now = performance.now()
    if (!process.stderr.isTTY || (done < this.#total && now - this.#drawn < 50)) return
    this.#drawn = now
    const part = this.#total === 0 ? 1 : done / this.#total
    const bar = '█'.repeat(Math.round(part * 24)).padEnd(24, '·')
    const rate = done / Math.max(0.001, (now - this.#started) / 1000)
    process.stderr.write(`\r  ${this.#label} ${bar} ${count(done)}/${count(this.#total)}  ${count(rate)}/s `)
  }

  /** Removes the bar and says how long it all took, in milliseconds. */
  done(): number {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
    return performance.now() - this.#started
  }
}
