/** Recording what changes. */
import { type NodeState } from './state.js';
import type { ApplyChangesetOptions, CreateSessionOptions, Session as Recording } from './types.js';
/** The class of recordings, which cannot be constructed. */
export declare const Session: {
    new (): Recording;
    readonly prototype: Recording;
};
export type Session = Recording;
/** Begins to record. */
export declare function createSession(database: object, state: NodeState, options: CreateSessionOptions | undefined): Recording;
/** Makes recorded changes; `false` if it was aborted because something did not fit. */
export declare function applyChangeset(state: NodeState, changeset: unknown, options: ApplyChangesetOptions | undefined): boolean;
