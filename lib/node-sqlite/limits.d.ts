/** SQLite's limits as an object whose properties are the limits. */
import { type NodeState } from './state.js';
import type { DatabaseLimits } from './types.js';
/** The limits of an opening, checked. */
export declare function limitsOption(given: unknown): Partial<DatabaseLimits>;
/** What the limits of a new connection are, after those of its opening are set. */
export declare function setLimits(state: NodeState, limits: Partial<DatabaseLimits>): number[];
/** The object. `Infinity` puts a limit to what `unlimited` says. */
export declare function limitsObject(current: () => {
    state: NodeState | undefined;
    unlimited: readonly number[];
}): DatabaseLimits;
