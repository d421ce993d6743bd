/** Arguments of a run into values in the order of a statement's parameters. */
/** What decides which names fit. */
export interface NamedRules {
    readonly allowBareNamedParameters: boolean;
    readonly allowUnknownNamedParameters: boolean;
}
/** The parameters of a statement: names with their prefix, `null` for one without. */
export declare class Parameters {
    #private;
    constructor(names: readonly (string | null)[]);
    /** The values for the parameters, in order; what is not given is NULL. */
    values(args: readonly unknown[], rules: NamedRules): readonly unknown[];
}
/** The bytes of a buffer or of a view of one, where it is one. */
export declare function bytesOf(value: object): Uint8Array | undefined;
