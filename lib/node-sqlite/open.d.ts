/** Opening a database as its options say. */
import { Storage } from '../storage.js';
import type { Durability } from '../types.js';
import type { Location } from './place.js';
import { NodeState, type StatementDefaults } from './state.js';
import type { DatabaseLimits, DatabaseSyncOptions } from './types.js';
/** Options that were checked. */
export interface Checked {
    readonly open: boolean;
    readonly readOnly: boolean;
    readonly foreignKeys: boolean;
    readonly doubleQuotedStrings: boolean;
    readonly defensive: boolean;
    readonly limits: Partial<DatabaseLimits>;
    readonly defaults: StatementDefaults;
    readonly store: string | Storage | undefined;
    readonly namespace: string | undefined;
    readonly durability: Durability | undefined;
}
/** Checks the options of the constructor. */
export declare function checked(given: DatabaseSyncOptions | undefined, isGiven: boolean): Checked;
/** Opens it; says as well what its limits can be at most. */
export declare function openState(location: Location, options: Checked): {
    state: NodeState;
    unlimited: number[];
};
