/** What the shell knows, and how it runs a statement or a dot command. */

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { Database, Scoped } from '../../database.js'
import type { Context } from '../command.js'
import { CliError } from '../failure.js'
import { Output } from '../output.js'
import { type Settings, settingsFor } from '../render/index.js'
import { fileSource, type TextSource } from '../sources.js'
import { Scanner } from '../sql/scanner.js'
import { placed, runStatement } from '../statements.js'
import { dotCommand } from './dot.js'

/** How deep `.read` may nest. */
const DEPTH_MAX = 25

/** A shell on one database. */
export class Shell {
  readonly context: Context
  readonly db: Database
  settings: Settings
  /** Whether EXPLAIN is drawn. */
  plans = true
  timer = false
  changes = false
  echo = false
  /** Whether a script ends at its first error. */
  bail = true
  /** Set by `.quit`. */
  over: number | undefined
  /** Where results go: standard output, or the file of `.output`. */
  out: Output
  #once = false
  #file: NodeJS.WritableStream | undefined
  #signal: AbortSignal
  #depth = 0

  constructor(context: Context, db: Database, settings: Settings = settingsFor('list')) {
    this.context = context
    this.db = db
    this.settings = settings
    this.out = context.out
    this.#signal = context.signal
  }

  /** The database, interrupted by the signal in force. */
  get target(): Scoped {
    return this.db.with({ signal: this.#signal })
  }

  get signal(): AbortSignal {
    return this.#signal
  }

  /** Runs something that a signal of its own interrupts. */
  async under<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const outer = this.#signal
    this.#signal = signal
    try {
      return await work()
    } finally {
      this.#signal = outer
    }
  }

  /** Sends results to a file, or back to standard output; `one` for the next result only. */
  async redirect(path: string | undefined, one: boolean): Promise<void> {
    if (this.#file !== undefined) {
      await this.out.flush()
      const closed = once(this.#file, 'close')
      this.#file.end()
      await closed
    }
    this.#file = undefined
    this.#once = one
    this.out = this.context.out
    if (path === undefined) return
    const file = createWriteStream(path)
    await once(file, 'open')
    this.#file = file
    this.out = new Output(file)
  }

  /** A result, or the output of a dot command, is complete. */
  async #settled(): Promise<void> {
    if (this.#once) await this.redirect(undefined, false)
    else await this.out.flush()
  }

  /** Runs one statement. */
  async statement(sql: string): Promise<void> {
    const { out, settings, plans } = this
    if (this.echo) out.line(sql)
    const started = performance.now()
    const cpu = process.cpuUsage()
    try {
      await runStatement(this.target, sql, [], { out, settings, plans })
      if (this.changes) {
        const [counts] = await this.target.values('SELECT changes(), total_changes()')
        out.line(`changes: ${counts?.[0]}   total_changes: ${counts?.[1]}`)
      }
    } finally {
      await this.#settled()
    }
    if (this.timer) {
      const { user, system } = process.cpuUsage(cpu)
      const real = ((performance.now() - started) / 1000).toFixed(3)
      const [inUser, inSystem] = [user, system].map((micros) => (micros / 1e6).toFixed(6))
      this.context.out.line(`Run Time: real ${real} user ${inUser} sys ${inSystem}`)
    }
  }

  /** Runs a dot command. */
  async dot(line: string): Promise<void> {
    if (this.echo) this.out.line(line)
    const redirected = this.#file
    await dotCommand(this, line)
    // `.once` itself is not the output that it waits for.
    if (this.#file === redirected) await this.#settled()
    else await this.context.out.flush()
  }

  /** Runs the lines of a text. A failure is thrown, or given to `failed`, which says whether to go on. */
  async script(source: TextSource, failed: (error: unknown) => boolean): Promise<void> {
    if (this.#depth >= DEPTH_MAX) throw new CliError(`more than ${DEPTH_MAX} files read one another`)
    this.#depth += 1
    try {
      await this.#lines(source, failed)
    } finally {
      this.#depth -= 1
    }
  }

  async #lines({ chunks }: TextSource, failed: (error: unknown) => boolean): Promise<void> {
    const scanner = new Scanner()
    const attempt = async (work: () => Promise<void>): Promise<void> => {
      this.#signal.throwIfAborted()
      try {
        await work()
      } catch (error) {
        if (this.#signal.aborted || !failed(error)) throw error
      }
    }
    let number = 0
    for await (const line of linesOf(chunks)) {
      number += 1
      if (!scanner.waiting && /^[.#]/.test(line)) {
        scanner.push('\n')
        scanner.next()
        const place = { sql: line, line: number }
        if (line.startsWith('.')) await attempt(() => placed(place, () => this.dot(line)))
      } else {
        scanner.push(`${line}\n`)
        for (let next = scanner.next(); next !== undefined; next = scanner.next()) {
          const statement = next
          await attempt(() => placed(statement, () => this.statement(statement.sql)))
          if (this.over !== undefined) return
        }
      }
      if (this.over !== undefined) return
    }
    const rest = scanner.rest()
    if (rest !== undefined) await attempt(() => placed(rest, () => this.statement(rest.sql)))
  }

  /** Runs a file as part of the text that is read. */
  async readFile(path: string): Promise<void> {
    await this.script(await fileSource(path), () => false)
  }
}

/** Lines of a text, without their ends. */
async function* linesOf(chunks: TextSource['chunks']): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line
  }
  if (rest !== '') yield rest
}
