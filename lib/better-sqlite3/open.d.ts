/** A file name into the database of an actor. */
import type { OpenedSync } from '../sync/database.js';
import { StatementSync } from '../sync/statement.js';
import type { Row } from '../types.js';
/** A compiled statement. */
export declare class Statement<T = Row> extends StatementSync<T> {
}
/** Opens what the constructor is asked for. */
export declare function open(given: unknown, options: unknown): OpenedSync;
