/** Recording what changes. */

import { connectionHandle } from '../connection.js'
import { native } from '../native.js'
import { constructible, inside, requireInside } from './construct.js'
import { invalidArgType, invalidState, sqliteCodeError } from './errors.js'
import { functionOption, isInt32, optionalOptions, stringOption } from './options.js'
import { calling, guarded, isFailure, type NodeState, requireOpen } from './state.js'
import type { ApplyChangesetOptions, CreateSessionOptions, Session as Recording } from './types.js'

const SQLITE_ABORT = 4
const CHANGESET_ABORT = 2
/** No answer that SQLite knows: it says so. */
const NO_ANSWER = -1

/** Recordings that were dropped. */
const dropped = new FinalizationRegistry<{ state: NodeState; id: number }>(({ state, id }) => {
  if (state.open) native.syncEndRecording(connectionHandle, state.handle, id)
})

class SessionImpl implements Recording {
  /** Kept, so that the connection is not closed under it. */
  readonly #database: object
  readonly #state: NodeState
  readonly #epoch: number
  readonly #id: number
  #open = true

  constructor(token: typeof inside, database: object, state: NodeState, id: number) {
    requireInside(token)
    this.#database = database
    this.#state = state
    this.#epoch = state.epoch
    this.#id = id
    dropped.register(this, { state, id }, this)
  }

  /** What has changed since it began, with the values that were there before. */
  changeset(): Uint8Array {
    return this.#changes(false)
  }

  /** What has changed since it began, more compact: conflicts are not all found. */
  patchset(): Uint8Array {
    return this.#changes(true)
  }

  #changes(patchset: boolean): Uint8Array {
    this.#require()
    const { handle } = this.#state
    const bytes = calling<Buffer>(this.#state, () =>
      native.syncChanges(connectionHandle, handle, this.#id, patchset),
    )
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Ends it. */
  close(): void {
    this.#require()
    this.#end()
  }

  [Symbol.dispose](): void {
    if (this.#state.open && !this.#gone()) this.#end()
  }

  #end(): void {
    this.#open = false
    dropped.unregister(this)
    const { handle } = this.#state
    calling(this.#state, () => native.syncEndRecording(connectionHandle, handle, this.#id))
  }

  #gone(): boolean {
    return !this.#open || this.#database === undefined || this.#epoch !== this.#state.epoch
  }

  #require(): void {
    requireOpen(this.#state)
    if (this.#gone()) throw invalidState('session is not open')
  }
}

/** The class of recordings, which cannot be constructed. */
export const Session: { new (): Recording; readonly prototype: Recording } = constructible(
  SessionImpl,
  'Session',
  false,
) as never

export type Session = Recording

/** Begins to record. */
export function createSession(
  database: object,
  state: NodeState,
  options: CreateSessionOptions | undefined,
): Recording {
  const given = optionalOptions(options)
  const table = stringOption(given, 'table', undefined)
  const schema = stringOption(given, 'db', 'main')
  const id = calling<number>(state, () => native.syncRecord(connectionHandle, state.handle, schema, table))
  return Reflect.construct(Session, [inside, database, state, id])
}

/** Makes recorded changes; `false` if it was aborted because something did not fit. */
export function applyChangeset(
  state: NodeState,
  changeset: unknown,
  options: ApplyChangesetOptions | undefined,
): boolean {
  if (!(changeset instanceof Uint8Array)) {
    throw invalidArgType('The "changeset" argument must be a Uint8Array.')
  }
  const given = optionalOptions(options)
  const onConflict = functionOption(given, 'onConflict')
  const filter = functionOption(given, 'filter')
  const wants = filter && ((table: string) => guarded(state, () => Boolean(filter(table)), false))
  const decide =
    onConflict && ((kind: number) => guarded(state, () => decision(onConflict(kind)), CHANGESET_ABORT))
  let aborted = false
  calling(state, () => {
    const answer = native.syncApply(connectionHandle, state.handle, changeset, wants, decide)
    if (!isFailure(answer)) return undefined
    if (answer.kind !== 'sqlite' || answer.errno === undefined) return answer
    aborted = answer.errno === SQLITE_ABORT
    if (!aborted && state.thrown === undefined && !isConstraint(answer.errno))
      throw sqliteCodeError(answer.errno)
    return aborted ? undefined : answer
  })
  return !aborted
}

function isConstraint(errno: number): boolean {
  return (errno & 0xff) === 19
}

function decision(answer: unknown): number {
  return isInt32(answer) ? answer : NO_ANSWER
}
