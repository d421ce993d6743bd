/** Functions of the program's that SQL can call. They run on this thread, while a statement runs. */
import { type NodeState } from './state.js';
/** Registers a function; the options may be left out. */
export declare function defineFunction(database: object, state: NodeState, ...given: readonly unknown[]): void;
/** Registers an aggregate. */
export declare function defineAggregate(database: object, state: NodeState, ...given: readonly unknown[]): void;
