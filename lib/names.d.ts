/** What can be the name of an actor or of a namespace. */
/**
 * What is expected of a value that is no name, nor the empty text; `undefined` if it is one. Names are
 * taken as they are: two that look alike in different normal forms are different ones.
 */
export declare function expectedOfName(value: unknown): string | undefined;
