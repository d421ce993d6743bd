/**
 * Commands on their way to the addon. All commands of one tick are written into one buffer of
 * 64-bit words; texts and blobs stand in an array beside it. Layout: crates/node/src/decode.rs.
 */
import type { BatchStatement, IntegerMode, NamedParameters, SqlInput, TransactionBehavior } from './types.js';
export declare const Opcode: {
    readonly execute: 1;
    readonly script: 2;
    readonly batch: 3;
    readonly prepare: 4;
    readonly finalize: 5;
    readonly fetch: 6;
    readonly closeCursor: 7;
    readonly begin: 8;
    readonly commit: 9;
    readonly rollback: 10;
    readonly durable: 11;
    readonly close: 12;
};
export declare const Want: {
    readonly run: 0;
    readonly first: 1;
    readonly all: 2;
    readonly chunk: 3;
};
/** A number that binds as REAL even where it is whole, for interfaces that have it so. */
export declare class Real {
    readonly value: number;
    constructor(value: number);
}
/** SQL text, or the id of a prepared statement. */
export type Source = string | number;
/** A buffer that is written, handed over and written again. */
export declare class CommandBuffer {
    #private;
    words: Float64Array;
    length: number;
    objects: unknown[];
    /** Whose commands these are. */
    requests: number[];
    /** A blob is in the buffer: it must be handed over before its owner can change it. */
    hasBlob: boolean;
    constructor(capacity?: number);
    clear(): void;
    word(value: number): void;
    head(database: number, request: number, opcode: number, transaction: number, timeoutMs: number, integers: IntegerMode): void;
    execute(source: Source, want: number, rowsMax: number, args: readonly unknown[]): void;
    text(text: string): void;
    behavior(behavior: TransactionBehavior): void;
    batch(statements: readonly BatchStatement[], behavior: TransactionBehavior): void;
    rows(sql: string, rows: readonly (readonly SqlInput[] | NamedParameters)[], behavior: TransactionBehavior): void;
    /** The parameters as a caller gives them after the SQL text. */
    args(args: readonly unknown[]): void;
    /** One array, or one plain object. */
    parameters(parameters: unknown): void;
}
/** The bytes of a view or a buffer; nothing for any other object. */
export declare function bytesOf(value: object): Uint8Array | undefined;
/** Object literals, and objects without prototype: those alone can be named parameters. */
export declare function isPlainObject(value: unknown): value is Record<string, unknown>;
/** The error for a value that does not bind. */
export declare function unbindable(value: unknown, place: number | string): TypeError;
/** What a value is, for error messages. */
export declare function describe(value: unknown): string;
