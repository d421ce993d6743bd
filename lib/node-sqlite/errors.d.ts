/** Errors as `node:sqlite` makes them: by their `code`, with its messages. */
import type { ErrorPayload } from '../../native.cjs';
/** An argument of the wrong type. */
export declare function invalidArgType(message: string): TypeError;
/** An argument that cannot be used. */
export declare function invalidArgValue(message: string): TypeError;
/** A number too large or too small. */
export declare function outOfRange(message: string): RangeError;
/** Not now: closed, finalized, or in the middle of something. */
export declare function invalidState(message: string): Error;
/** A class whose objects are made elsewhere. */
export declare function illegalConstructor(): Error;
/** A class that was called as a function. */
export declare function constructCallRequired(): TypeError;
/** SQLite refused; without a number, we did in its name. */
export declare function sqliteError(message: string, errcode?: number): Error;
/** SQLite's own words for a code. */
export declare function sqliteCodeError(errcode: number): Error;
/** The error of what the addon reported. What the store itself refused stays a `StorageError`. */
export declare function errorOf(payload: ErrorPayload): unknown;
