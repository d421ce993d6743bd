/** Where the drop-in classes keep a database of a name. */
import type { Storage } from '../storage.js';
/** Which actor of which store a name means; nothing if its directory is not there. */
export declare function placeOf(name: string, given: string | Storage | undefined): {
    store: string | Storage;
    actor: string;
} | undefined;
