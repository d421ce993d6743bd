/** The types of columns as Prisma names them, and values as it reads and sends them. */
import { type ArgType, type ColumnType } from '@prisma/driver-adapter-utils';
import type { SqlValue } from '../types.js';
/** How dates are stored. */
export type TimestampFormat = 'iso8601' | 'unixepoch-ms';
/** The type of each column: the declared one, else that of its first value. */
export declare function columnTypes(declared: readonly (string | null)[], rows: readonly SqlValue[][]): ColumnType[];
/** A row as Prisma reads it. INTEGER values come as bigints, so that REAL ones can be told from them. */
export declare function rowOf(row: readonly SqlValue[], types: readonly ColumnType[]): unknown[];
/** An argument as it is bound. */
export declare function argumentOf(value: unknown, type: ArgType | undefined, format: TimestampFormat): unknown;
