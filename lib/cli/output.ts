/** Standard output and standard error. */

import { once } from 'node:events'
import { BrokenPipe } from './failure.js'

const BUFFER = 64 << 10

/** Standard output: byte strings, gathered. */
export class Output {
  readonly #stream: NodeJS.WritableStream & { readonly writableNeedDrain?: boolean }
  #pending: string[] = []
  #size = 0
  #broken = false

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      this.#broken = true
    })
  }

  /** Takes a byte string: a character for each byte. */
  readonly bytes = (bytes: string): void => {
    if (this.#broken) throw new BrokenPipe()
    this.#pending.push(bytes)
    this.#size += bytes.length
    if (this.#size >= BUFFER) this.#send()
  }

  /** Takes text. */
  text(text: string): void {
    this.bytes(Buffer.from(text, 'utf8').toString('latin1'))
  }

  /** Takes a line of text. */
  line(text: string): void {
    this.text(`${text}\n`)
  }

  #send(): void {
    const chunk = Buffer.from(this.#pending.join(''), 'latin1')
    this.#pending = []
    this.#size = 0
    if (chunk.length > 0) this.#stream.write(chunk)
  }

  /** Waits while the reader is behind, so that memory stays bounded. */
  async ready(): Promise<void> {
    if (this.#broken) throw new BrokenPipe()
    if (this.#stream.writableNeedDrain !== true) return
    await Promise.race([once(this.#stream, 'drain'), once(this.#stream, 'close')]).catch(() => {})
    if (this.#broken) throw new BrokenPipe()
  }

  /** Passes all on. */
  async flush(): Promise<void> {
    if (this.#broken) return
    this.#send()
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()))
  }
}

/** Text in colour for people: not where `NO_COLOR` is set, nor away from a terminal. */
export function painter(stream: { isTTY?: boolean }): (code: number, text: string) => string {
  const colours = stream.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'
  return (code, text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text)
}

export const Colour = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const
