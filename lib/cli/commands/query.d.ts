/** `query`: one statement, its rows printed. */
import type { Command, Context } from '../command.js';
import { type Settings } from '../render/index.js';
/** How a command prints rows. */
export declare function settingsOf(context: Context): Settings;
export declare const query: Command;
