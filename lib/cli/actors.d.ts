/** The actors of a store, one after another. */
import type { Storage } from '../storage.js';
import type { DatabaseStat } from '../types.js';
import type { Context } from './command.js';
import { CliError } from './failure.js';
/** The failure of a command whose actor is not there. */
export declare function noActor(context: Context, actor: string): CliError;
/** The actor that a command names, or all of the namespace. */
export declare function chosenActors(context: Context, storage: Storage): AsyncGenerator<string>;
/** Actors with what the store knows of each, many looked up at a time. */
export declare function withStats(storage: Storage, pages: AsyncIterable<readonly string[]>): AsyncGenerator<[string, DatabaseStat]>;
/** A name on a line of its own: quoted as in JSON if it would not stay on it. */
export declare function nameLine(name: string): string;
