/** `stat`: what a store knows of an actor, or of all. */
import type { Command } from '../command.js';
export declare const stat: Command;
