/** Standard output and standard error. */
/** Standard output: byte strings, gathered. */
export declare class Output {
    #private;
    constructor(stream: NodeJS.WritableStream);
    /** Takes a byte string: a character for each byte. */
    readonly bytes: (bytes: string) => void;
    /** Takes text. */
    text(text: string): void;
    /** Takes a line of text. */
    line(text: string): void;
    /** Waits while the reader is behind, so that memory stays bounded. */
    ready(): Promise<void>;
    /** Passes all on. */
    flush(): Promise<void>;
}
/** Text in colour for people: not where `NO_COLOR` is set, nor away from a terminal. */
export declare function painter(stream: {
    isTTY?: boolean;
}): (code: number, text: string) => string;
export declare const Colour: {
    readonly bold: 1;
    readonly dim: 2;
    readonly red: 31;
    readonly green: 32;
    readonly yellow: 33;
};
