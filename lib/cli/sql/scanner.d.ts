/** Cuts SQL text into statements, by the rules of `sqlite3_complete`. */
/** A statement and where it stands. */
export interface Statement {
    /** Its text, from its first word to its semicolon. */
    readonly sql: string;
    /** The line of its first word, from 1. */
    readonly line: number;
}
/** Takes text piece by piece and gives statements as they are complete. */
export declare class Scanner {
    #private;
    /** Adds text. */
    push(text: string): void;
    /** Whether there is a statement that is begun and not complete. */
    get open(): boolean;
    /** Whether text is left that belongs to the next statement, be it a comment that is not closed. */
    get waiting(): boolean;
    /** The next complete statement. `last` says that no text follows, so that the last word ends there. */
    next(last?: boolean): Statement | undefined;
    /** What is left at the end of the text, if it is anything but blanks and comments. */
    rest(): Statement | undefined;
    /** Forgets what is begun. */
    reset(): void;
}
/** Whether a text ends where a statement does. */
export declare function isComplete(text: string): boolean;
/** All statements of a text. */
export declare function statements(text: string): Statement[];
