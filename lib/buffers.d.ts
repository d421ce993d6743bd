/** Blobs as libraries know them that were written for drivers that give them as `Buffer`. */
/** Makes each blob of some rows a `Buffer` of the same bytes, in place. */
export declare function withBuffers<T>(rows: T[]): T[];
