/** Options, checked as `node:sqlite` checks them. */

import { invalidArgType } from './errors.js'

type Options = Readonly<Record<string, unknown>>

/** Options that were given at all must be an object. */
export function optionsObject(given: unknown): Options {
  if (typeof given === 'function' || (typeof given === 'object' && given !== null)) return given as Options
  throw invalidArgType('The "options" argument must be an object.')
}

/** Of the arguments of a call that may leave its options out. */
export function optionalOptions(given: unknown): Options {
  return given === undefined ? {} : optionsObject(given)
}

/** A value of one type; `undefined` stands for the default. */
function typed<T>(options: Options, name: string, fits: (value: unknown) => boolean, what: string, or: T): T {
  const value = options[name]
  if (value === undefined) return or
  if (!fits(value)) throw invalidArgType(`The "options.${name}" argument must be ${what}.`)
  return value as T
}

export function booleanOption<T extends boolean | undefined>(
  options: Options,
  name: string,
  or: T,
): boolean | T {
  return typed<boolean | T>(options, name, (value) => typeof value === 'boolean', 'a boolean', or)
}

export function integerOption<T extends number | undefined>(
  options: Options,
  name: string,
  or: T,
): number | T {
  return typed<number | T>(options, name, isInt32, 'an integer', or)
}

export function stringOption<T extends string | undefined>(
  options: Options,
  name: string,
  or: T,
): string | T {
  return typed<string | T>(options, name, (value) => typeof value === 'string', 'a string', or)
}

// biome-ignore lint/complexity/noBannedTypes: a function of the caller's, of any kind
export function functionOption(options: Options, name: string): Function | undefined {
  return typed(options, name, (value) => typeof value === 'function', 'a function', undefined)
}

export function isInt32(value: unknown): value is number {
  return typeof value === 'number' && (value | 0) === value
}

/** The argument of a switch. */
export function requireBoolean(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw invalidArgType(`The "${name}" argument must be a boolean.`)
  return value
}

export function requireString(value: unknown, name: string): string {
  if (typeof value !== 'string') throw invalidArgType(`The "${name}" argument must be a string.`)
  return value
}
