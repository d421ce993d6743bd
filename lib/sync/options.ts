/** Checks of options, with the messages of better-sqlite3. */

/** A boolean option, which is off if it is not given. */
export function booleanOption(options: object, name: string): boolean {
  if (!(name in options)) return false
  const value: unknown = (options as Record<string, unknown>)[name]
  if (typeof value !== 'boolean') throw new TypeError(`Expected the "${name}" option to be a boolean`)
  return value
}
