/** Runs the program as its users do: as a process of its own. */

import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { root, temporaryDirectory } from '../support.js'

export const program = join(root, 'lib', 'cli', 'main.js')

/** A directory for the stores of a test file. */
export const directory = temporaryDirectory()

/** How a run ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The environment of a user who has set nothing. */
export function environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { ACTOR_SQLITE_STORE: _, ...rest } = process.env
  return { ...rest, NO_COLOR: '1', ACTOR_SQLITE_HISTORY: '', ...extra }
}

/** How a run is set up. */
export interface Setup {
  readonly input?: string
  readonly env?: Record<string, string>
  readonly cwd?: string
}

/** Runs the program to its end. Output is taken as bytes: a character for each. */
export function cliBytes(
  args: readonly string[],
  { input = '', env = {}, cwd = directory }: Setup = {},
): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd,
    input: Buffer.from(input, 'utf8'),
    env: environment(env),
    encoding: 'latin1',
    maxBuffer: 1 << 28,
  })
  return { code: status, stdout, stderr }
}

const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')

/** Runs the program to its end, and gives what it printed as text. */
export function cli(args: readonly string[], setup: Setup = {}): Ended {
  const { code, stdout, stderr } = cliBytes(args, setup)
  return { code, stdout: utf8(stdout), stderr: utf8(stderr) }
}

/** Runs the program and expects that it succeeds; gives its output. */
export function ok(args: readonly string[], setup: Setup = {}): string {
  const { code, stdout, stderr } = cli(args, setup)
  if (code !== 0) throw new Error(`actor-sqlite ${args.join(' ')} ended with ${code}\n${stderr}${stdout}`)
  return stdout
}

/** The version of the sqlite3 shell of this machine; `undefined` without one. */
export function sqlite3Version(): string | undefined {
  const { status, stdout } = spawnSync('sqlite3', ['--version'], { encoding: 'utf8' })
  return status === 0 ? stdout.split(' ')[0] : undefined
}

/** What the sqlite3 shell prints, as bytes. */
export function sqlite3(args: readonly string[], input: string): string {
  const { stdout } = spawnSync('sqlite3', ['-batch', ...args, ':memory:'], {
    input: Buffer.from(input, 'utf8'),
    cwd: directory,
    encoding: 'latin1',
    maxBuffer: 1 << 28,
  })
  return stdout
}

/** Whether a program can be run on a terminal of its own here. */
export const terminals = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes(
  'util-linux',
)

/** The program on a pseudo terminal. */
export class OnTerminal {
  readonly #child
  #seen = ''
  readonly #ended: Promise<number | null>

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    const command = [process.execPath, program, ...args].map((word) => `'${word}'`).join(' ')
    this.#child = spawn('script', ['-qefc', command, '/dev/null'], {
      cwd: directory,
      env: environment({ TERM: 'xterm', ...env }),
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    this.#child.stdout.on('data', (chunk) => {
      this.#seen += chunk
    })
    onTestFinished(() => {
      this.#child.kill()
    })
    this.#ended = new Promise((resolve) => this.#child.on('exit', resolve))
  }

  /** Presses keys. */
  type(keys: string): void {
    this.#child.stdin.write(keys)
  }

  /** Waits until a text is on the screen, and forgets what was there up to its end. */
  async sees(text: string): Promise<void> {
    for (let waited = 0; !this.#seen.includes(text); waited += 20) {
      if (waited > 10_000)
        throw new Error(`${JSON.stringify(text)} did not come: ${JSON.stringify(this.#seen)}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    this.#seen = this.#seen.slice(this.#seen.indexOf(text) + text.length)
  }

  /** Waits for its end. */
  async ended(): Promise<number | null> {
    const code = await this.#ended
    this.#child.stdin.destroy()
    return code
  }
}
