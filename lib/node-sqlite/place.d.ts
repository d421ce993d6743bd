/** What a path means. */
/** What a path says. */
export interface Location {
    readonly path: string;
    /** In memory: `:memory:`, the empty name, or `mode=memory`. */
    readonly memory: boolean;
    /** `mode=ro`. */
    readonly readOnly: boolean;
    /** `mode=rw`, or `mode=ro`. */
    readonly mustExist: boolean;
}
/** A path given as a string, as the bytes of one, or as a `file:` URL; strings may be such URLs too. */
export declare function locationOf(given: unknown): Location;
