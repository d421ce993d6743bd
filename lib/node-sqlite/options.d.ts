/** Options, checked as `node:sqlite` checks them. */
type Options = Readonly<Record<string, unknown>>;
/** Options that were given at all must be an object. */
export declare function optionsObject(given: unknown): Options;
/** Of the arguments of a call that may leave its options out. */
export declare function optionalOptions(given: unknown): Options;
export declare function booleanOption<T extends boolean | undefined>(options: Options, name: string, or: T): boolean | T;
export declare function integerOption<T extends number | undefined>(options: Options, name: string, or: T): number | T;
export declare function stringOption<T extends string | undefined>(options: Options, name: string, or: T): string | T;
export declare function functionOption(options: Options, name: string): Function | undefined;
export declare function isInt32(value: unknown): value is number;
/** The argument of a switch. */
export declare function requireBoolean(value: unknown, name: string): boolean;
export declare function requireString(value: unknown, name: string): string;
export {};
