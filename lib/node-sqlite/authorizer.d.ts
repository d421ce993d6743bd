/** Asking the program what statements may do. */
import { type NodeState } from './state.js';
/** Has a function asked from now on, or none any more. */
export declare function setAuthorizer(database: object, state: NodeState, callback: unknown): void;
