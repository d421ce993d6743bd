/** `import`: a file into an actor's database. */
import type { Command } from '../command.js';
export declare const importCommand: Command;
