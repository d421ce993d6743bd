/** Parameters of a query on the command line. */
import type { SqlInput } from '../types.js';
/**
 * A word as a value: `null`, numbers as JSON writes them, `x'00ff'` as a blob, and everything else as
 * text. `text` takes every word as text.
 */
export declare function parameter(word: string, text: boolean): SqlInput;
