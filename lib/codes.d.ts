/** SQLite's result codes: names of extended ones, and what the primary ones say. */
/** `SQLITE_CONSTRAINT_UNIQUE` for 2067; the primary name where the extended one is unknown. */
export declare function codeName(errno: number): `SQLITE_${string}`;
/** What SQLite says of a code in general, as `sqlite3_errstr`. */
export declare function codeText(errno: number): string;
