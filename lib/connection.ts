/**
 * The one connection of this environment to the addon. Requests of a tick go over together in a
 * microtask; replies come back together in one callback.
 */

import { type Reply, ReplyReader } from './decode.js'
import { CommandBuffer } from './encode.js'
import { Failure } from './errors.js'
import { native } from './native.js'

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly convert: (reply: never) => unknown
  /** Rows that have come so far, when they come in parts. */
  rows: unknown[] | undefined
}

const pending = new Map<number, Pending>()
const replies = new ReplyReader()
const buffer = new CommandBuffer()

let nextRequest = 1
let flushing = false
let encoding = false

function settle(request: number, reply: Reply, part = false): void {
  const waiting = pending.get(request)
  if (waiting === undefined) return
  let outcome = converted(waiting, reply)
  if (part || waiting.rows !== undefined) outcome = gathered(waiting, outcome)
  if (part && !(outcome instanceof Failure)) return
  pending.delete(request)
  waiting.resolve(outcome)
}

/** All rows of a reply that comes in parts, so far. */
function gathered(waiting: Pending, rows: unknown): unknown {
  if (rows instanceof Failure) return rows
  if (waiting.rows === undefined) waiting.rows = rows as unknown[]
  else for (const row of rows as unknown[]) waiting.rows.push(row)
  return waiting.rows
}

function converted(waiting: Pending, reply: Reply): unknown {
  if (reply instanceof Failure) return reply
  try {
    return waiting.convert(reply as never)
  } catch (error) {
    return new Failure(() => error)
  }
}

const connection = native.connect((values) => replies.read(values, settle))

/** Hands over the requests of this tick. */
export function flush(): void {
  flushing = false
  submit(buffer)
}

function submit(commands: CommandBuffer): void {
  if (commands.length === 0) return
  const { words, length, objects, requests } = commands
  commands.clear()
  try {
    native.submit(connection, words.subarray(0, length), objects)
  } catch (error) {
    // Nothing was taken: a text longer than the addon can hold, say.
    for (const id of requests) settle(id, new Failure(() => error))
  }
}

function wait<T>(request: number, convert: (reply: never) => T): Promise<T | Failure> {
  return new Promise((resolve) => {
    pending.set(request, { resolve: resolve as (value: unknown) => void, convert, rows: undefined })
  })
}

/** A command that is written, and not sent. */
export interface Staged<T> {
  readonly request: number
  /** Resolves with the converted reply or a failure; never rejects. */
  readonly reply: Promise<T | Failure>
  /** Sends it. */
  submit(): void
  /** Answers it here, instead of sending it. */
  fail(failure: Failure): void
}

function write(into: CommandBuffer, encode: (buffer: CommandBuffer, request: number) => void): number {
  const request = nextRequest++
  const { length, hasBlob } = into
  const objectCount = into.objects.length
  const outer = encoding
  encoding = true
  try {
    encode(into, request)
  } catch (error) {
    into.length = length
    into.objects.length = objectCount
    into.hasBlob = hasBlob
    throw error
  } finally {
    encoding = outer
  }
  into.requests.push(request)
  return request
}

/**
 * Sends a command in this tick and returns a promise of its converted reply, or of a failure: it
 * never rejects. Throws what `encode` throws, and then nothing is sent.
 */
export function command<R extends Reply, T>(
  encode: (buffer: CommandBuffer, request: number) => void,
  convert: (reply: R) => T,
  started?: (request: number) => void,
): Promise<T | Failure> {
  // A getter among the parameters may call back in here, in the middle of another command.
  const commands = encoding ? new CommandBuffer() : buffer
  const request = write(commands, encode)
  const reply = wait(request, convert)
  started?.(request)
  if (commands !== buffer || commands.hasBlob) {
    submit(commands)
  } else if (!flushing) {
    flushing = true
    queueMicrotask(flush)
  }
  return reply
}

/** Writes a command that is sent later. Throws what `encode` throws. */
export function stage<R extends Reply, T>(
  encode: (buffer: CommandBuffer, request: number) => void,
  convert: (reply: R) => T,
): Staged<T> {
  const commands = new CommandBuffer(64)
  const request = write(commands, encode)
  // Until it is sent its owner may change what it was given.
  if (commands.hasBlob)
    commands.objects = commands.objects.map((it) => (it instanceof Uint8Array ? it.slice() : it))
  return {
    request,
    reply: wait(request, convert),
    submit: () => {
      flush()
      submit(commands)
    },
    fail: (failure) => settle(request, failure),
  }
}

/** Makes a request that is not a command, at once. */
export function request<R extends Reply, T>(
  ask: (connection: number, request: number) => void,
  convert: (reply: R) => T,
): Promise<T | Failure> {
  const id = nextRequest++
  const reply = wait(id, convert)
  try {
    ask(connection, id)
  } catch (error) {
    pending.delete(id)
    return Promise.resolve(new Failure(() => error))
  }
  return reply
}

/** The connection's number, for calls that answer at once. */
export const connectionHandle: number = connection
