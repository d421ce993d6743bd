/**
 * Byte strings: a character for each byte of UTF-8. What goes out may be blobs, which are no text, and
 * the sqlite3 shell cuts and counts in bytes.
 */
/** The byte string of a text, up to its first NUL. */
export declare function bytesOf(text: string): string;
/** The byte string of a blob, up to its first NUL. */
export declare function bytesOfBlob(blob: Uint8Array): string;
/** The byte string of a whole blob. */
export declare function wholeBlob(blob: Uint8Array): string;
/** How many characters of UTF-8 a byte string has. */
export declare function widthOf(bytes: string): number;
/** Fills with blanks on the right up to a width in characters. */
export declare function padded(bytes: string, width: number): string;
