/** Text that a command reads: from a file, from standard input, or given. */
/** A text that comes in pieces, and how long it is where that is known. */
export interface TextSource {
    /** For people. */
    readonly name: string;
    readonly bytes: number | undefined;
    readonly chunks: AsyncIterable<string> | Iterable<string>;
}
/** A text that is there. */
export declare const textSource: (text: string) => TextSource;
/** Says how long a file is; fails if there is none. */
export declare function fileBytes(path: string): Promise<number>;
/** A file, or standard input for `-`. `read` is told of the bytes read so far. */
export declare function fileSource(path: string, read?: (bytes: number) => void): Promise<TextSource>;
