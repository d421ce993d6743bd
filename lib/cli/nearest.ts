/** Guesses what was meant. */

/** How many letters have to be put in, left out, changed or swapped to make one word of the other. */
function distance(from: string, to: string): number {
  let before: number[] = []
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1]
      let best = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      )
      const swapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (swapped) best = Math.min(best, (before[column - 2] ?? 0) + 1)
      current.push(best)
    }
    before = previous
    previous = current
  }
  return previous[to.length] ?? 0
}

/** The name that is closest to a word; `undefined` if none is close. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  let found: string | undefined
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const name of names) {
    const far =
      name.startsWith(word) && word.length > 1 ? 0 : distance(word.toLowerCase(), name.toLowerCase())
    if (far < least) {
      least = far
      found = name
    }
  }
  return found
}

/** ` Did you mean …?`, or nothing. */
export function didYouMean(word: string, names: readonly string[]): string | undefined {
  const name = nearest(word, names)
  return name === undefined ? undefined : `Did you mean ${name}?`
}
