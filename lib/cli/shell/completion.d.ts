/** What the tab key offers: keywords, names of tables and columns, dot commands and their words. */
import type { Queryable } from '../../queryable.js';
/** Completions of the last word of a line, and that word. */
export declare function complete(db: Pick<Queryable, 'values'>, line: string): Promise<[string[], string]>;
