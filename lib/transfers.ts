/** Exports and imports that run, so that they end with their storage. */

/** What runs on one storage. */
export class Transfers {
  readonly #running = new Map<AbortController, Promise<unknown>>()
  #stopped: unknown

  /** Runs a transfer, whose signal is aborted by the caller's or by `stop`. */
  async run<T>(signal: AbortSignal | undefined, transfer: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#stopped !== undefined) throw this.#stopped
    signal?.throwIfAborted()
    const controller = new AbortController()
    const abort = (): void => controller.abort(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    const running = transfer(controller.signal)
    this.#running.set(controller, running)
    try {
      return await running
    } finally {
      this.#running.delete(controller)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Aborts all of them, and those to come, and waits until they have cleaned up. */
  async stop(reason: Error): Promise<void> {
    this.#stopped = reason
    for (const controller of this.#running.keys()) controller.abort(reason)
    await Promise.allSettled(this.#running.values())
  }
}

/** Waits for something, but no longer than until the signal: what it waits for may never come. */
export function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
