/** Where the bytes of an export go. */

import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { unlessAborted } from './transfers.js'

/** Takes bytes in order, then either `finish` or `fail`. */
export interface Sink {
  /** A buffer for the next chunk, exactly so long. It may be the one of before. */
  buffer(bytes: number): Uint8Array
  /** Takes a chunk, and is done with its buffer afterwards. */
  write(chunk: Uint8Array): Promise<void>
  /** All was written. Whoever waits for somebody else here gives up when the signal says so. */
  finish(signal: AbortSignal): Promise<void>
  /** Leaves nothing behind, also if `finish` has failed. Waits for nothing that may never come. */
  fail(reason: unknown): Promise<void>
}

/** A buffer that serves chunk after chunk, for a sink that keeps none. */
export class ReusedBuffer {
  #bytes = new Uint8Array()

  get(bytes: number): Uint8Array {
    if (this.#bytes.length < bytes) this.#bytes = new Uint8Array(bytes)
    return this.#bytes.subarray(0, bytes)
  }
}

/** All chunks side by side. */
export class MemorySink implements Sink {
  readonly bytes: Uint8Array
  #at = 0

  constructor(bytes: number) {
    this.bytes = new Uint8Array(bytes)
  }

  buffer(bytes: number): Uint8Array {
    return this.bytes.subarray(this.#at, this.#at + bytes)
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#at += chunk.length
  }

  async finish(): Promise<void> {}
  async fail(): Promise<void> {}
}

/** A stream of the web, which is closed in the end, or aborted. */
export class WebSink implements Sink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter()
    // Its errors come with the write that meets them.
    this.#writer.closed.catch(() => {})
  }

  buffer(bytes: number): Uint8Array {
    return new Uint8Array(bytes)
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#writer.ready
    await this.#writer.write(chunk)
  }

  async finish(signal: AbortSignal): Promise<void> {
    await unlessAborted(signal, this.#writer.close())
  }

  async fail(reason: unknown): Promise<void> {
    this.#writer.abort(reason).catch(() => {})
  }
}

/** A stream of Node, which is ended, or destroyed; but for those of the process, which stay open. */
export class NodeSink implements Sink {
  readonly #stream: Writable
  readonly #finished: Promise<void>
  /** Rejects when the stream ends: one that does need not answer a write. */
  readonly #ended: Promise<never>

  constructor(stream: Writable) {
    this.#stream = stream
    this.#finished = finished(stream, { readable: false })
    this.#ended = this.#finished.then(() =>
      Promise.reject(new Error('the stream was ended by somebody else')),
    )
    // Its errors come with the write that meets them.
    this.#ended.catch(() => {})
  }

  buffer(bytes: number): Uint8Array {
    return new Uint8Array(bytes)
  }

  async write(chunk: Uint8Array): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      this.#stream.write(chunk, (error) => (error ? reject(error) : resolve()))
    })
    await Promise.race([written, this.#ended])
  }

  async finish(signal: AbortSignal): Promise<void> {
    if (this.#belongsToProcess()) return
    this.#stream.end()
    await unlessAborted(signal, this.#finished)
  }

  async fail(reason: unknown): Promise<void> {
    if (this.#belongsToProcess()) return
    this.#stream.destroy(reason instanceof Error ? reason : undefined)
  }

  #belongsToProcess(): boolean {
    return [process.stdout, process.stderr].some((stream) => stream === this.#stream)
  }
}

/** The sink of a stream; `undefined` if it is none. */
export function streamSink(to: unknown): Sink | undefined {
  if (to instanceof WritableStream) return new WebSink(to)
  if (to instanceof Writable) return new NodeSink(to)
  return undefined
}
