/** The shell's own commands, which begin with a dot. */
import type { DotCommand } from './dot-command.js';
import type { Shell } from './shell.js';
/** All of them, by name. */
export declare const DOT_COMMANDS: readonly DotCommand[];
/** Runs a line that begins with a dot. */
export declare function dotCommand(shell: Shell, line: string): Promise<void>;
