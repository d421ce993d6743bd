/** `bench`: a few seconds of commits and reads, to see what a machine makes. */
import type { Command } from '../command.js';
export declare const bench: Command;
