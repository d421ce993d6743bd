/** Asking the program what statements may do. */

import { connectionHandle } from '../connection.js'
import { native } from '../native.js'
import { invalidArgType, outOfRange } from './errors.js'
import { isInt32 } from './options.js'
import { calling, guarded, type NodeState } from './state.js'
import type { Authorizer } from './types.js'

const SQLITE_DENY = 1
const SQLITE_IGNORE = 2

/** The authorizers of databases. The addon must not keep them, as a function may lead to its database. */
const authorizers = new WeakMap<object, Asked>()

interface Asked {
  readonly ask: Authorizer
}

/** Has a function asked from now on, or none any more. */
export function setAuthorizer(database: object, state: NodeState, callback: unknown): void {
  if (callback !== null && typeof callback !== 'function') {
    throw invalidArgType('The "callback" argument must be a function or null.')
  }
  const asked = callback === null ? undefined : { ask: callback as Authorizer }
  const ask = asked && asker(state, new WeakRef(asked))
  calling(state, () => native.syncSetAuthorizer(connectionHandle, state.handle, ask))
  if (asked === undefined) authorizers.delete(database)
  else authorizers.set(database, asked)
}

function asker(state: NodeState, asked: WeakRef<Asked>): Authorizer {
  return (...question) => guarded(state, () => decision(asked.deref()?.ask(...orNull(question))), SQLITE_DENY)
}

function orNull(question: Parameters<Authorizer>): Parameters<Authorizer> {
  return question.map((part) => part ?? null) as Parameters<Authorizer>
}

function decision(answer: unknown): number {
  if (!isInt32(answer)) {
    throw invalidArgType('Authorizer callback must return an integer authorization code')
  }
  if (answer < 0 || answer > SQLITE_IGNORE) {
    throw outOfRange('Authorizer callback returned a invalid authorization code')
  }
  return answer
}
