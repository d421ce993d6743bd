/** Taking turns. */
/** Lets one at a time go on, in the order of asking. */
export declare class Turns {
    #private;
    /** Resolves when it is the caller's turn, which lasts until `leave`. */
    take(): Promise<void>;
    /** Ends a turn: the next in line goes on. */
    leave(): void;
}
