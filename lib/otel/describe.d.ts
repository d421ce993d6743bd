/** What SQL text is about, in the words of the semantic conventions. */
/** What a text does, and to what. */
export interface Description {
    /** The text that may leave the process: without values. */
    readonly text: string;
    /** Operations and their targets, in order: `INSERT audit SELECT message`. */
    readonly summary: string;
    /** The operation of a text of one statement. */
    readonly operation: string | undefined;
    /** The table of a text that has one. */
    readonly target: string | undefined;
}
/** Describes a text. */
export declare function describeSql(sql: string): Description;
