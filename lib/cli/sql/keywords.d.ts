/** SQLite's keywords. */
/** All of them, in capitals. */
export declare const KEYWORDS: readonly string[];
/** Whether a word cannot be a name without quotes. */
export declare function isKeyword(word: string): boolean;
