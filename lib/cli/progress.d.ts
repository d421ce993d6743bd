/** A line on standard error that says how far a long command is. */
/** 1.2 MB, 34 k rows. */
export declare function amount(value: number, unit: string): string;
/** Draws only on a terminal, and not if it is to be quiet. */
export declare class Progress {
    #private;
    constructor(label: string, unit: string, quiet: boolean);
    /** Says how much is done, and of how much where that is known. */
    update(done: number, total?: number): void;
    /** Wipes the line. */
    end(): void;
}
