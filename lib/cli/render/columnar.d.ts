/** Modes that line columns up: column, table, box, markdown. They hold a result before they print it. */
import type { SqlValue } from '../../types.js';
import type { Renderer, Settings, Write } from './renderer.js';
/** Prints results in columns as wide as their widest cell. */
export declare class ColumnarRenderer implements Renderer {
    #private;
    constructor(settings: Settings, columns: readonly string[], write: Write);
    row(values: readonly SqlValue[]): void;
    end(): void;
}
