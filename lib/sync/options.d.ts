/** Checks of options, with the messages of better-sqlite3. */
/** A boolean option, which is off if it is not given. */
export declare function booleanOption(options: object, name: string): boolean;
