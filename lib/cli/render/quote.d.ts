/** Values as literals: of SQL, JSON and CSV. They take and give byte strings. */
import type { SqlValue } from '../../types.js';
/** The text of a value, as `CAST (… AS TEXT)` has it; `undefined` for NULL. */
export declare function textOf(value: SqlValue): string | undefined;
/** A name in SQL, quoted where that is needed. */
export declare function nameOf(name: string): string;
/** A value as an SQL literal. */
export declare function sqlLiteral(value: SqlValue): string;
/** A value as an SQL literal that has no line breaks, and is read back exactly. */
export declare function sqlOneLine(value: SqlValue): string;
/** A text as a JSON string. */
export declare function jsonString(text: string): string;
/** A value in JSON. The bytes of a blob stand for characters. */
export declare function jsonValue(value: SqlValue): string;
/** A field of CSV, quoted if it is empty or holds anything but plain characters. */
export declare function csvField(text: string, separator: string): string;
