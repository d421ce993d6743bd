/** What can be the name of an actor or of a namespace. */

/** The longest name, in bytes of UTF-8. */
const NAME_BYTES_MAX = 512

/** A half of a character: it has no UTF-8, and would stand for the same name as any other half. */
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * What is expected of a value that is no name, nor the empty text; `undefined` if it is one. Names are
 * taken as they are: two that look alike in different normal forms are different ones.
 */
export function expectedOfName(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'a string'
  if (value.includes('\0')) return 'a string without the character NUL'
  if (LONE_SURROGATE.test(value)) return 'a well-formed string, without half a surrogate pair'
  // No character of UTF-16 takes more than three bytes.
  const fits = value.length * 3 <= NAME_BYTES_MAX || Buffer.byteLength(value) <= NAME_BYTES_MAX
  return fits ? undefined : `a string of at most ${NAME_BYTES_MAX} bytes of UTF-8`
}
