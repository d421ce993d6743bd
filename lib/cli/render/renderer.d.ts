/** What all modes of output share. */
import type { SqlValue } from '../../types.js';
/** The modes of output, by name. */
export declare const MODES: readonly ["list", "column", "table", "box", "markdown", "line", "json", "csv", "insert", "quote", "tabs"];
export type Mode = (typeof MODES)[number];
/** How results are printed. */
export interface Settings {
    mode: Mode;
    /** Whether names of columns are printed, in modes that leave it open. */
    headers: boolean;
    /** What stands for NULL. */
    nullValue: string;
    /** Between columns, and behind rows; `undefined` for those of the mode. */
    separator: string | undefined;
    rowSeparator: string | undefined;
    /** The width at which cells are broken; 0 for never. */
    wrap: number;
    /** The table that INSERT statements name. */
    table: string;
}
/** Prints one result. Everything it writes is a byte string. */
export interface Renderer {
    row(values: readonly SqlValue[]): void;
    /** After the last row. */
    end(): void;
}
/** Where results go. */
export type Write = (bytes: string) => void;
export declare function isMode(name: string): name is Mode;
