/** Runs one command line. */

import { readFileSync } from 'node:fs'
import { checkArity, readCommandLine } from './arguments.js'
import type { Context, OptionValues } from './command.js'
import { commandHelp, programHelp } from './commands/help.js'
import { COMMANDS } from './commands/index.js'
import { Exit, exitCode, explain, explainJson, Interrupted, usage } from './failure.js'
import { didYouMean } from './nearest.js'
import { Colour, Output, painter } from './output.js'
import { isMode, MODES, type Mode } from './render/index.js'

const DEFAULT_STORE = './data'

function modeOf(options: OptionValues): Mode | undefined {
  const name = options['mode']
  if (typeof name !== 'string') return undefined
  if (!isMode(name)) {
    throw usage(`there is no mode "${name}"`, didYouMean(name, MODES) ?? `There are ${MODES.join(', ')}.`)
  }
  return name
}

function contextOf(
  args: readonly string[],
  options: OptionValues,
  out: Output,
  signal: AbortSignal,
): Context {
  const quiet = options['quiet'] === true
  const { store, namespace } = options
  return {
    args,
    options,
    out,
    json: options['json'] === true,
    quiet,
    store: typeof store === 'string' ? store : process.env['ACTOR_SQLITE_STORE'] || DEFAULT_STORE,
    namespace: typeof namespace === 'string' ? namespace : undefined,
    mode: modeOf(options),
    signal,
    note: (text) => {
      if (!quiet) process.stderr.write(`${text}\n`)
    },
  }
}

function version(): string {
  const manifest = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}

async function dispatch(argv: readonly string[], out: Output, signal: AbortSignal): Promise<number> {
  const { command, args, options } = readCommandLine(argv, COMMANDS)
  if (options['version'] === true) {
    out.line(version())
    return Exit.ok
  }
  if (command === undefined || options['help'] === true) {
    out.line(command === undefined ? programHelp(COMMANDS) : commandHelp(command))
    return command === undefined && options['help'] !== true ? Exit.usage : Exit.ok
  }
  checkArity(command, args)
  return (await command.run(contextOf(args, options, out, signal))) ?? Exit.ok
}

/** Runs a command line to its end; gives the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const out = new Output(process.stdout)
  const abort = new AbortController()
  const interrupt = (): void => abort.abort(new Interrupted())
  process.once('SIGINT', interrupt)
  try {
    const code = await dispatch(argv, out, abort.signal)
    await out.flush()
    return code
  } catch (error) {
    await out.flush().catch(() => {})
    const code = exitCode(error)
    if (code !== Exit.ok) complain(error, argv.includes('--json'))
    return code
  } finally {
    process.off('SIGINT', interrupt)
  }
}

function complain(error: unknown, json: boolean): void {
  if (json) {
    process.stderr.write(`${explainJson(error)}\n`)
    return
  }
  const paint = painter(process.stderr)
  const [first, ...more] = explain(error)
  process.stderr.write(`${[`${paint(Colour.red, 'error:')} ${first}`, ...more].join('\n')}\n`)
}
