/** Classes that say what is wrong when they are called in a way they cannot be. */
/** Stands for the right to make an object of a class that users cannot construct. */
export declare const inside: unique symbol;
/** Throws unless an object is made in here. */
export declare function requireInside(given: unknown): void;
type Class = abstract new (...args: any[]) => object;
/** The class under the name that users know, which tells whoever calls it as a function so. */
export declare function constructible<T extends Class>(type: T, name: string, legal: boolean): T;
export {};
