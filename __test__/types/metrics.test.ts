/** The types of `actor-sqlite/metrics`. */

import type { Meter } from '@opentelemetry/api'
import type { OpenMetricsContentType, Registry } from 'prom-client'
import { expectTypeOf, test } from 'vitest'
import type { Storage } from '../../index.js'
import {
  type MetricsMeter,
  type MetricsOptions,
  type MetricsRegistry,
  observe,
  register,
} from '../../lib/metrics/index.js'

test('the registries of prom-client and the meters of OpenTelemetry fit', () => {
  expectTypeOf<Registry>().toExtend<MetricsRegistry>()
  expectTypeOf<Registry<OpenMetricsContentType>>().toExtend<MetricsRegistry>()
  expectTypeOf<Meter>().toExtend<MetricsMeter>()
  expectTypeOf<object>().not.toExtend<MetricsRegistry>()
  expectTypeOf<Storage>().not.toExtend<MetricsMeter>()
})

test('both take the same options, and give what ends them', () => {
  expectTypeOf(register).parameter(2).toEqualTypeOf<MetricsOptions | undefined>()
  expectTypeOf(observe).parameter(2).toEqualTypeOf<MetricsOptions | undefined>()
  expectTypeOf(register).returns.toEqualTypeOf<() => void>()
  expectTypeOf(observe).returns.toEqualTypeOf<() => void>()
  expectTypeOf<{ labels: object }>().not.toExtend<MetricsOptions>()
})
