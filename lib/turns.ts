/** Taking turns. */

/** Lets one at a time go on, in the order of asking. */
export class Turns {
  #taken = false
  readonly #line: (() => void)[] = []

  /** Resolves when it is the caller's turn, which lasts until `leave`. */
  take(): Promise<void> {
    if (this.#taken) return new Promise((resolve) => this.#line.push(resolve))
    this.#taken = true
    return Promise.resolve()
  }

  /** Ends a turn: the next in line goes on. */
  leave(): void {
    const next = this.#line.shift()
    if (next === undefined) this.#taken = false
    else next()
  }
}
