/** The shell on a terminal. */

import { createInterface, type Interface } from 'node:readline/promises'
import { BrokenPipe, explain, Interrupted } from '../failure.js'
import { Colour, painter } from '../output.js'
import { Scanner } from '../sql/scanner.js'
import { complete } from './completion.js'
import { HISTORY_MAX, loadHistory, saveHistory } from './history.js'
import type { Shell } from './shell.js'

/** Reads statements from a terminal until the user leaves. */
export class Terminal {
  readonly #shell: Shell
  readonly #rl: Interface
  readonly #scanner = new Scanner()
  readonly #lines: string[] = []
  #history: string[] = loadHistory()
  /** Interrupts what runs. */
  #running: AbortController | undefined
  /** Ctrl-C was pressed at an empty prompt. */
  #leaving = false
  #wake: () => void = () => {}
  #closed = false

  constructor(shell: Shell) {
    this.#shell = shell
    this.#rl = createInterface({
      input: process.stdin,
      output: process.stdout,
      history: [...this.#history],
      historySize: HISTORY_MAX,
      removeHistoryDuplicates: true,
      completer: async (line: string): Promise<[string[], string]> =>
        this.#running === undefined ? complete(shell.db, line) : [[], line],
    })
    this.#rl.on('history', (history: string[]) => {
      this.#history = [...history]
    })
    this.#rl.on('line', (line) => {
      this.#lines.push(line)
      this.#wake()
    })
    this.#rl.on('SIGINT', () => this.#interrupt())
    this.#rl.on('close', () => {
      this.#closed = true
      this.#wake()
    })
  }

  /** Runs until the end of input or `.quit`; gives the exit code. */
  async run(): Promise<number> {
    const interrupt = (): void => this.#interrupt()
    process.on('SIGINT', interrupt)
    try {
      this.#prompt()
      while (this.#shell.over === undefined) {
        const line = await this.#next()
        if (line === undefined) break
        this.#leaving = false
        await this.#take(line)
        if (this.#shell.over === undefined) this.#prompt()
      }
    } finally {
      process.off('SIGINT', interrupt)
      if (!this.#closed) this.#rl.close()
      saveHistory(this.#history)
    }
    if (this.#shell.over === undefined) this.#shell.context.out.line('')
    return this.#shell.over ?? 0
  }

  #setPrompt(): void {
    const { name } = this.#shell.db
    const short = name.length > 24 ? `${name.slice(0, 23)}…` : name
    const prompt = `${short}> `
    this.#rl.setPrompt(this.#scanner.waiting ? '...> '.padStart(prompt.length) : prompt)
  }

  #prompt(): void {
    this.#setPrompt()
    if (this.#lines.length === 0) this.#rl.prompt()
  }

  async #next(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#lines.shift()
  }

  async #take(line: string): Promise<void> {
    if (!this.#scanner.waiting && /^\s*\./.test(line)) {
      await this.#attempt(() => this.#shell.dot(line.trim()))
      return
    }
    this.#scanner.push(`${line}\n`)
    for (let next = this.#scanner.next(); next !== undefined; next = this.#scanner.next()) {
      const { sql } = next
      if (!(await this.#attempt(() => this.#shell.statement(sql)))) {
        this.#scanner.reset()
        return
      }
    }
  }

  /** Runs something that Ctrl-C interrupts; says whether it went well. */
  async #attempt(work: () => Promise<void>): Promise<boolean> {
    const running = new AbortController()
    this.#running = running
    try {
      await this.#shell.under(running.signal, work)
      return true
    } catch (error) {
      if (error instanceof BrokenPipe) throw error
      await this.#shell.out.flush()
      const [first, ...more] = explain(error)
      const paint = painter(process.stderr)
      process.stderr.write(`${[`${paint(Colour.red, 'error:')} ${first}`, ...more].join('\n')}\n`)
      return false
    } finally {
      this.#running = undefined
    }
  }

  #interrupt(): void {
    if (this.#running !== undefined) {
      this.#running.abort(new Interrupted())
      return
    }
    const empty = this.#rl.line === '' && !this.#scanner.waiting
    if (empty && this.#leaving) {
      this.#rl.close()
      return
    }
    this.#scanner.reset()
    this.#leaving = empty
    process.stdout.write(empty ? '\nCtrl-C again, Ctrl-D or .quit leaves.\n' : '\n')
    this.#setPrompt()
    // The line that is given up is not history, and readline has no other way to clear it.
    this.#rl.write(null, { ctrl: true, name: 'e' })
    this.#rl.write(null, { ctrl: true, name: 'u' })
    this.#prompt()
  }
}
