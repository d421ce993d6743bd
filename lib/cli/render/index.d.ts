/** Which renderer prints what. */
import type { Mode, Renderer, Settings, Write } from './renderer.js';
export { isMode, MODES, type Mode, type Renderer, type Settings, type Write } from './renderer.js';
/** Settings of a mode as the sqlite3 shell has them for its options `-csv`, `-box` and so on. */
export declare function settingsFor(mode: Mode): Settings;
/** A renderer for one result. */
export declare function renderer(settings: Settings, columns: readonly string[], write: Write): Renderer;
/** A renderer for what EXPLAIN returns; `undefined` for other statements. */
export declare function planRenderer(sql: string, columns: readonly string[], write: Write): Renderer | undefined;
