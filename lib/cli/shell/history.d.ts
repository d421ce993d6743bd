/** The shell's history of lines: in the user's state directory, for the user's eyes only. */
/** The most lines that are kept. */
export declare const HISTORY_MAX = 1000;
/** The lines of earlier shells, newest first. */
export declare function loadHistory(): string[];
/** Keeps the newest lines for later shells. What cannot be kept is no reason to fail. */
export declare function saveHistory(newestFirst: readonly string[]): void;
