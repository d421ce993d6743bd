/** Modes that print each row as it comes: list, csv, tabs, line, json, insert, quote. */
import type { SqlValue } from '../../types.js';
import type { Renderer, Settings, Write } from './renderer.js';
/** Prints rows with separators. */
export declare class SeparatedRenderer implements Renderer {
    #private;
    constructor(settings: Settings, columns: readonly string[], write: Write);
    row(values: readonly SqlValue[]): void;
    end(): void;
}
/** A line a value. */
export declare class LineRenderer implements Renderer {
    #private;
    constructor(settings: Settings, columns: readonly string[], write: Write);
    row(values: readonly SqlValue[]): void;
    end(): void;
}
/** One array of objects. */
export declare class JsonRenderer implements Renderer {
    #private;
    constructor(_: Settings, columns: readonly string[], write: Write);
    row(values: readonly SqlValue[]): void;
    end(): void;
}
/** A statement a row. */
export declare class InsertRenderer implements Renderer {
    #private;
    constructor(settings: Settings, columns: readonly string[], write: Write);
    row(values: readonly SqlValue[]): void;
    end(): void;
}
