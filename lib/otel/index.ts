/**
 * Spans and times of calls for OpenTelemetry.
 *
 * @module
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'
import {
  type Context,
  context,
  type Histogram,
  type MeterProvider,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { QUERY_CHANNEL, type TraceMessage } from '../trace.js'
import { type Described, DURATION_BUCKETS, described, failureOf } from './conventions.js'

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }

/** How calls are traced and timed. */
export interface InstrumentOptions {
  /** Makes the spans. Default: the global one. */
  readonly tracerProvider?: TracerProvider
  /** Takes the times. Default: the global one. */
  readonly meterProvider?: MeterProvider
  /**
   * Give spans the text. Texts with parameters are given as they are, others without their literals.
   * Default: `true`.
   */
  readonly captureQueryText?: boolean
  /** Make spans only where one is active already. Default: `false`. */
  readonly requireParentSpan?: boolean
  /** Says of which calls nothing is told. */
  readonly ignore?: (message: TraceMessage) => boolean
}

/** A call that is under way. */
interface Call {
  readonly described: Described
  readonly begun: number
  /** What was active where the call was made. */
  readonly active: Context
  readonly span: Span | undefined
}

/** Makes and ends spans for one `instrument`. */
class Instrumentation {
  readonly #options: InstrumentOptions
  readonly #tracer: Tracer
  readonly #durations: Histogram
  readonly #calls = new WeakMap<TraceMessage, Call | null>()
  /** The call that the running code is inside of: a transaction or a savepoint. */
  readonly #around = new AsyncLocalStorage<Call | null>()

  constructor(options: InstrumentOptions) {
    const { tracerProvider = trace.getTracerProvider(), meterProvider = metrics.getMeterProvider() } = options
    this.#options = options
    this.#tracer = tracerProvider.getTracer('actor-sqlite', version)
    this.#durations = meterProvider
      .getMeter('actor-sqlite', version)
      .createHistogram('db.client.operation.duration', {
        description: 'Duration of database client operations.',
        unit: 's',
        advice: { explicitBucketBoundaries: DURATION_BUCKETS },
      })
  }

  /** Listens, until what is returned is called. */
  listen(): () => void {
    const channel = tracingChannel<Call | null, TraceMessage>(QUERY_CHANNEL)
    const handlers = {
      start: (message: TraceMessage) => void this.#call(message),
      end: () => {},
      error: () => {},
      asyncStart: () => {},
      asyncEnd: (message: TraceMessage) => this.#end(message),
    }
    channel.start.bindStore(this.#around, (message) => this.#call(message as TraceMessage))
    channel.subscribe(handlers)
    return () => {
      channel.unsubscribe(handlers)
      channel.start.unbindStore(this.#around)
      // Else every promise of the process goes on paying for it, before Node 24.
      this.#around.disable()
    }
  }

  /** The call of a message, begun when it is first seen; `null` for one that is ignored. */
  #call(message: TraceMessage): Call | null {
    let call = this.#calls.get(message)
    if (call === undefined) {
      call = this.#options.ignore?.(message) === true ? null : this.#begin(message)
      this.#calls.set(message, call)
    }
    return call
  }

  #begin(message: TraceMessage): Call {
    const { captureQueryText = true, requireParentSpan = false } = this.#options
    const about = described(message, captureQueryText)
    const active = context.active()
    const parent = this.#parent(active)
    const isWanted = !requireParentSpan || trace.getSpan(parent) !== undefined
    const { name, attributes } = about
    const span = isWanted
      ? this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, parent)
      : undefined
    return { described: about, begun: performance.now(), active, span }
  }

  /**
   * What is active; inside a transaction's callback with the transaction's span, unless the program has
   * made one of its own there.
   */
  #parent(active: Context): Context {
    const around = this.#around.getStore()
    if (around?.span === undefined) return active
    const isOwn = trace.getSpan(active) !== trace.getSpan(around.active)
    return isOwn ? active : trace.setSpan(active, around.span)
  }

  #end(message: TraceMessage): void {
    const call = this.#calls.get(message)
    if (call === undefined || call === null) return
    this.#calls.delete(message)
    const { described, begun, active, span } = call
    const { dimensions } = described
    if ('error' in message) {
      const failure = failureOf(message.error)
      Object.assign(dimensions, failure.attributes)
      span?.setAttributes(failure.attributes)
      span?.setStatus({ code: SpanStatusCode.ERROR, message: failure.message })
    }
    // Of the context with the span, so that a sampled trace can stand as an example of its time.
    const around = span === undefined ? active : trace.setSpan(active, span)
    this.#durations.record((performance.now() - begun) / 1000, dimensions, around)
    span?.end()
  }
}

/**
 * Makes a span and records the time of every call of this process's databases, by the stable semantic
 * conventions for databases. What is returned ends it; calls under way then get no end.
 */
export function instrument(options: InstrumentOptions = {}): () => void {
  return new Instrumentation(options).listen()
}
