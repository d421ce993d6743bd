/** Dot commands that read and write files. */
import { type DotCommand } from './dot-command.js';
export declare const transfers: readonly DotCommand[];
