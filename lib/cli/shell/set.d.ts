/** Dot commands that change how the shell works. */
import { type Settings } from '../render/index.js';
import { type DotCommand } from './dot-command.js';
/** The settings after `.mode name`: as the sqlite3 shell sets them. */
export declare function withMode(before: Settings, name: string, table: string | undefined): Settings;
export declare const settingCommands: readonly DotCommand[];
