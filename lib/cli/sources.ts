/** Text that a command reads: from a file, from standard input, or given. */

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { CliError, Exit } from './failure.js'

/** A text that comes in pieces, and how long it is where that is known. */
export interface TextSource {
  /** For people. */
  readonly name: string
  readonly bytes: number | undefined
  readonly chunks: AsyncIterable<string> | Iterable<string>
}

/** A text that is there. */
export const textSource = (text: string): TextSource => ({
  name: 'the command line',
  bytes: text.length,
  chunks: [text],
})

/** Says how long a file is; fails if there is none. */
export async function fileBytes(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw new CliError(`there is no file ${path}`, Exit.notFound)
  if (found.isDirectory()) throw new CliError(`${path} is a directory`, Exit.usage)
  return found.size
}

/** A file, or standard input for `-`. `read` is told of the bytes read so far. */
export async function fileSource(
  path: string,
  read: (bytes: number) => void = () => {},
): Promise<TextSource> {
  if (path === '-') {
    process.stdin.setEncoding('utf8')
    return { name: 'standard input', bytes: undefined, chunks: process.stdin }
  }
  const bytes = await fileBytes(path)
  const stream = createReadStream(path, { encoding: 'utf8', highWaterMark: 256 << 10 })
  async function* chunks(): AsyncGenerator<string> {
    let first = true
    for await (const chunk of stream as AsyncIterable<string>) {
      read(stream.bytesRead)
      yield first && chunk.startsWith('\ufeff') ? chunk.slice(1) : chunk
      first = false
    }
  }
  return { name: path, bytes, chunks: chunks() }
}
