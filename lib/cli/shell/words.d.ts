/** Words of a dot command. */
/** Words between blanks; in single quotes as they are, in double quotes with backslashes. */
export declare function wordsOf(line: string): string[];
/** A text with its backslashes resolved. */
export declare function unescaped(text: string): string;
/** Words and options of a dot command; options may begin with one dash, as in the sqlite3 shell. */
export declare function wordsAndOptions(args: readonly string[], withValue: readonly string[], switches: readonly string[]): {
    words: string[];
    options: Record<string, string | boolean>;
};
