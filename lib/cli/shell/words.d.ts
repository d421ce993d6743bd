/** Words of a dot command. */
/** Words between blanks; in single quotes as they are, in double quotes with backslashes. */
export declare function wordsOf(line: string): string[];
/** A text with its backslashes resolved. */
export declare function unescaped(text: string): string;
