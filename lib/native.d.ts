/** Loads the addon, and says what to do when there is none for this machine. */
import type * as Native from '../native.cjs';
/** What the addon exports. */
export type NativeModule = typeof Native;
export declare const native: typeof Native;
