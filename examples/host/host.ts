/**
 * A small host of actors: each has a database of its own in one store, is opened on its first
 * message, and hibernates when the host has more actors awake than it wants.
 */
import type { Database, Storage } from 'actor-sqlite'

/** Runs once for an actor's database, before anything else uses it. */
export type Migrate = (db: Database) => Promise<void>

interface Awake {
  readonly opening: Promise<Database>
  /** How many messages are being handled now: an actor in use does not hibernate. */
  busy: number
}

export class ActorHost {
  readonly #storage: Storage
  readonly #migrate: Migrate
  readonly #awakeMax: number
  /** In the order of last use: a Map keeps the order of insertion. */
  readonly #awake = new Map<string, Awake>()
  readonly #closing = new Map<string, Promise<void>>()
  /** How often an actor was opened, and put to sleep again. */
  wakes = 0
  hibernations = 0

  constructor(storage: Storage, awakeMax: number, migrate: Migrate) {
    this.#storage = storage
    this.#awakeMax = awakeMax
    this.#migrate = migrate
  }

  get awake(): number {
    return this.#awake.size
  }

  /** Handles one message to an actor: wakes it if need be and lends its database to `handler`. */
  async tell<T>(actor: string, handler: (db: Database) => Promise<T>): Promise<T> {
    const entry = this.#touch(actor)
    entry.busy += 1
    try {
      return await handler(await entry.opening)
    } finally {
      entry.busy -= 1
      this.#hibernateIdle()
    }
  }

  /** Puts every actor to sleep. */
  async close(): Promise<void> {
    for (const actor of [...this.#awake.keys()]) this.#hibernate(actor)
    await Promise.all(this.#closing.values())
  }

  #touch(actor: string): Awake {
    let entry = this.#awake.get(actor)
    if (entry === undefined) entry = { opening: this.#open(actor), busy: 0 }
    else this.#awake.delete(actor)
    this.#awake.set(actor, entry)
    return entry
  }

  async #open(actor: string): Promise<Database> {
    try {
      await this.#closing.get(actor)
      const db = await this.#storage.open(actor)
      this.wakes += 1
      await this.#migrate(db)
      return db
    } catch (error) {
      // The next message tries again.
      this.#awake.delete(actor)
      throw error
    }
  }

  #hibernateIdle(): void {
    if (this.#awake.size <= this.#awakeMax) return
    for (const [actor, entry] of this.#awake) {
      if (entry.busy > 0) continue
      this.#hibernate(actor)
      if (this.#awake.size <= this.#awakeMax) return
    }
  }

  #hibernate(actor: string): void {
    const entry = this.#awake.get(actor)
    if (entry === undefined) return
    this.#awake.delete(actor)
    const closed = entry.opening
      .then((db) => db.close())
      .finally(() => {
        this.#closing.delete(actor)
        this.hibernations += 1
      })
    this.#closing.set(actor, closed)
  }
}
