/** SQLite's limits as an object whose properties are the limits. */

import { connectionHandle } from '../connection.js'
import { native } from '../native.js'
import { invalidArgType, outOfRange } from './errors.js'
import { isInt32 } from './options.js'
import { calling, type NodeState, requireOpen } from './state.js'
import type { DatabaseLimits } from './types.js'

/** Their names, by the addon's numbers. */
const NAMES: readonly (keyof DatabaseLimits)[] = [
  'length',
  'sqlLength',
  'column',
  'exprDepth',
  'compoundSelect',
  'vdbeOp',
  'functionArg',
  'attach',
  'likePatternLength',
  'variableNumber',
  'triggerDepth',
]

function limit(state: NodeState, index: number, value?: number): number {
  return calling<number>(state, () => native.syncLimit(connectionHandle, state.handle, index, value))
}

/** The limits of an opening, checked. */
export function limitsOption(given: unknown): Partial<DatabaseLimits> {
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null) {
    throw invalidArgType('The "options.limits" argument must be an object.')
  }
  const limits: Partial<DatabaseLimits> = {}
  for (const name of NAMES) {
    const value: unknown = (given as DatabaseLimits)[name]
    if (value === undefined) continue
    if (!isInt32(value)) throw invalidArgType(`The "options.limits.${name}" argument must be an integer.`)
    if (value < 0) throw outOfRange(`The "options.limits.${name}" argument must be non-negative.`)
    limits[name] = value
  }
  return limits
}

/** What the limits of a new connection are, after those of its opening are set. */
export function setLimits(state: NodeState, limits: Partial<DatabaseLimits>): number[] {
  const before = NAMES.map((_, index) => limit(state, index))
  for (const [index, name] of NAMES.entries()) {
    if (limits[name] !== undefined) limit(state, index, limits[name])
  }
  return before
}

/** The object. `Infinity` puts a limit to what `unlimited` says. */
export function limitsObject(
  current: () => { state: NodeState | undefined; unlimited: readonly number[] },
): DatabaseLimits {
  const limits = Object.create({}) as DatabaseLimits
  for (const [index, name] of NAMES.entries()) {
    Object.defineProperty(limits, name, {
      enumerable: true,
      get: () => {
        const { state } = current()
        requireOpen(state)
        return limit(state, index)
      },
      set: (value: unknown) => {
        const { state, unlimited } = current()
        requireOpen(state)
        limit(state, index, value === Infinity ? unlimited[index] : checked(value))
      },
    })
  }
  return limits
}

function checked(value: unknown): number {
  if (!isInt32(value)) throw invalidArgType('Limit value must be a non-negative integer or Infinity.')
  if (value < 0) throw outOfRange('Limit value must be non-negative.')
  return value
}
