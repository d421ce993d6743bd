/** `import`: a file into an actor's database. */
import type { Database } from '../../database.js';
import type { Command, Context } from '../command.js';
/** Loads a file into an open database; says what was done. */
export declare function importFile(context: Context, db: Database, file: string): Promise<string>;
export declare const importCommand: Command;
