/** Dot commands that show what is in the database. */
import type { DotCommand } from './dot-command.js';
export declare const listings: readonly DotCommand[];
