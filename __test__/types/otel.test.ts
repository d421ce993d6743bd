/** The types of `actor-sqlite/otel`. */

import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import type { MeterProvider as SdkMeterProvider } from '@opentelemetry/sdk-metrics'
import type { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { expectTypeOf, test } from 'vitest'
import type { TraceMessage } from '../../index.js'
import { type InstrumentOptions, instrument } from '../../lib/otel/index.js'

test('providers of the API and of the SDK fit', () => {
  expectTypeOf<TracerProvider>().toExtend<InstrumentOptions['tracerProvider']>()
  expectTypeOf<MeterProvider>().toExtend<InstrumentOptions['meterProvider']>()
  expectTypeOf<BasicTracerProvider>().toExtend<TracerProvider>()
  expectTypeOf<SdkMeterProvider>().toExtend<MeterProvider>()
})

test('options are optional, and end with a function', () => {
  expectTypeOf(instrument).parameter(0).toEqualTypeOf<InstrumentOptions | undefined>()
  expectTypeOf(instrument).returns.toEqualTypeOf<() => void>()
  expectTypeOf<NonNullable<InstrumentOptions['ignore']>>().parameter(0).toEqualTypeOf<TraceMessage>()
  const options: InstrumentOptions = {
    // @ts-expect-error: a boolean
    captureQueryText: 'all',
  }
  expectTypeOf(options).toEqualTypeOf<InstrumentOptions>()
})
