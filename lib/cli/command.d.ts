/** What a command is, and what it is given. */
import type { ParseArgsConfig } from 'node:util';
import type { Output } from './output.js';
import type { Mode } from './render/index.js';
/** A named option, with what the help says of it. */
export interface OptionSpec {
    readonly type: 'string' | 'boolean';
    readonly short?: string;
    /** What stands for the value in the help. */
    readonly value?: string;
    readonly help: string;
}
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;
/** Options that every command takes. */
export declare const GLOBAL_OPTIONS: {
    readonly store: {
        readonly type: "string";
        readonly short: "s";
        readonly value: "dir";
        readonly help: "the store (default: $ACTOR_SQLITE_STORE, or ./data)";
    };
    readonly namespace: {
        readonly type: "string";
        readonly short: "n";
        readonly value: "name";
        readonly help: "the namespace of the actor";
    };
    readonly mode: {
        readonly type: "string";
        readonly short: "m";
        readonly value: "mode";
        readonly help: "how rows are printed (default: box, or list in a pipe)";
    };
    readonly header: {
        readonly type: "boolean";
        readonly help: "print names of columns in modes list, csv, insert, quote and tabs";
    };
    readonly json: {
        readonly type: "boolean";
        readonly help: "print JSON, and errors as JSON";
    };
    readonly quiet: {
        readonly type: "boolean";
        readonly short: "q";
        readonly help: "print results and errors only";
    };
    readonly help: {
        readonly type: "boolean";
        readonly short: "h";
        readonly help: "say how the command is used";
    };
    readonly version: {
        readonly type: "boolean";
        readonly short: "V";
        readonly help: "print the version";
    };
};
/** What options were given, by name. */
export type OptionValues = Readonly<Record<string, string | boolean | undefined>>;
/** All that a command works with. */
export interface Context {
    /** The words behind the command. */
    readonly args: readonly string[];
    readonly options: OptionValues;
    readonly out: Output;
    readonly json: boolean;
    readonly quiet: boolean;
    /** The store's directory. */
    readonly store: string;
    readonly namespace: string | undefined;
    /** `--mode`, if it was given. */
    readonly mode: Mode | undefined;
    /** Aborts at Ctrl-C. */
    readonly signal: AbortSignal;
    /** A line for people on standard error; not if it is to be quiet. */
    note(text: string): void;
}
/** A command. */
export interface Command {
    readonly name: string;
    /** What follows its name: `<actor> <sql>`. */
    readonly usage: string;
    /** One line. */
    readonly summary: string;
    /** Paragraphs for its own help. */
    readonly details?: string;
    readonly options: OptionSpecs;
    readonly examples: readonly string[];
    /** How many words it takes. */
    readonly arity: readonly [number, number];
    /** Gives the exit code; nothing is success. */
    run(context: Context): Promise<number | undefined>;
}
/** The options as `parseArgs` wants them. */
export declare function parseable(specs: OptionSpecs): NonNullable<ParseArgsConfig['options']>;
