/** `export`: an actor's database, or a table of it, into a file. */
import type { Database } from '../../database.js';
import type { Command, Context } from '../command.js';
export declare const exportCommand: Command;
/** Writes an open database to a file; says what was written. */
export declare function exportFile(context: Context, db: Database, file: string): Promise<string>;
