/** EXPLAIN and EXPLAIN QUERY PLAN, drawn. */
import type { SqlValue } from '../../types.js';
import type { Renderer, Write } from './renderer.js';
/** A query plan as a tree. */
export declare class QueryPlanRenderer implements Renderer {
    #private;
    constructor(write: Write);
    row([id, parent, , detail]: readonly SqlValue[]): void;
    end(): void;
}
/** A program of the virtual machine, its loops set in. */
export declare class ProgramRenderer implements Renderer {
    #private;
    constructor(columns: readonly string[], write: Write);
    row(values: readonly SqlValue[]): void;
    end(): void;
}
