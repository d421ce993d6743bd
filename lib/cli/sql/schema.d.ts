/** What is in a database: names for listings and completion, and the text of its schema. */
import type { Queryable } from '../../queryable.js';
import type { Write } from '../render/index.js';
type Reader = Pick<Queryable, 'values'>;
/** Tables and views whose names are like a pattern. */
export declare function tableNames(db: Reader, pattern?: string): Promise<string[]>;
/** Indexes of the tables whose names are like a pattern. */
export declare function indexNames(db: Reader, pattern?: string): Promise<string[]>;
/** Columns of a table, generated and hidden ones left out. */
export declare function columnNames(db: Reader, table: string): Promise<string[]>;
/** Prints names in columns, downwards. */
export declare function printNames(names: readonly string[], write: Write): void;
/** The text of a schema entry, closed; a table with a quoted name is only made if it is missing. */
export declare function schemaText(sql: string): string;
/** Prints the statements that made the schema; what a view or virtual table has for columns beside it. */
export declare function printSchema(db: Reader, pattern: string, write: Write): Promise<void>;
export {};
