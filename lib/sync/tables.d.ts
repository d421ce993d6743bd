/** Virtual tables of JavaScript that SQL can read. They run on this thread, while a statement runs. */
import { type SyncState } from './state.js';
import { type TableDefinitionSync } from './table-definition.js';
/** What a factory of tables is told of the one it makes: its `this`. */
export interface TableContextSync {
    /** The name of the module. */
    readonly module: string;
    /** The name of the schema: `main` or `temp`. */
    readonly database: string;
    /** The name of the table. */
    readonly table: string;
}
/** Makes a table of the arguments that stand after `USING`. */
export type TableFactorySync = (this: TableContextSync, ...args: string[]) => TableDefinitionSync;
/** Registers a module of virtual tables: one table of its name, or tables that SQL creates. */
export declare function defineTable(state: SyncState, name: unknown, given: unknown): void;
