/** Arguments of a call into values in the order of a statement's parameters. */
import type { Dialect } from './state.js';
/** The parameters of a statement: names with their prefix, `null` for one without. */
export declare class Parameters {
    #private;
    constructor(names: readonly (string | null)[]);
    /** As many NULLs. */
    nulls(): null[];
    /** The values for the parameters, in order. Throws if they do not fit. */
    values(args: readonly unknown[], dialect: Dialect): readonly unknown[];
}
/** Whether a bigint fits into 64 bits. */
export declare function inRange(value: bigint): boolean;
/** Whether a value is one of SQLite's. */
export declare function isBindable(value: unknown, { exact }: Dialect): boolean;
