/** Guesses what was meant. */
/** The name that is closest to a word; `undefined` if none is close. */
export declare function nearest(word: string, names: readonly string[]): string | undefined;
/** ` Did you mean …?`, or nothing. */
export declare function didYouMean(word: string, names: readonly string[]): string | undefined;
