/** The calls that databases, transactions and scopes of options share. */
import { Statement } from './statement.js';
import { type SqlTagFunction } from './tag.js';
import type { BatchOptions, BatchStatement, BindArgs, NamedParameters, ResultSet, Row, RunResult, SqlInput, SqlValue } from './types.js';
/** What can be asked of a database, inside a transaction or outside. */
export declare abstract class Queryable {
    #private;
    /** Runs a statement that writes; rows of a `RETURNING` are dropped. One that only reads is a `TypeError`. */
    run(sql: string, ...args: BindArgs): Promise<RunResult>;
    /** The first row as an object; `undefined` if there is none. */
    get<T = Row>(sql: string, ...args: BindArgs): Promise<T | undefined>;
    /** All rows as objects. */
    all<T = Row>(sql: string, ...args: BindArgs): Promise<T[]>;
    /** All rows as arrays. */
    values<T extends SqlValue[] = SqlValue[]>(sql: string, ...args: BindArgs): Promise<T[]>;
    /** The first column of the first row; `undefined` if there is no row. */
    pluck<T extends SqlValue = SqlValue>(sql: string, ...args: BindArgs): Promise<T | undefined>;
    /**
     * Rows as objects, fetched as they are asked for. The statement stays open until the last row, or
     * until the loop is left.
     */
    iterate<T = Row>(sql: string, ...args: BindArgs): AsyncIterableIterator<T>;
    /** Runs a script of any number of statements; rows are dropped. */
    exec(script: string): Promise<void>;
    /** Prepares one statement. */
    prepare<T = Row>(sql: string): Promise<Statement<T>>;
    /**
     * Runs many statements as one transaction, in one crossing; or one statement with many rows of
     * parameters. If one fails, none has run.
     */
    batch(statements: readonly BatchStatement[], options?: BatchOptions): Promise<ResultSet[]>;
    batch(sql: string, rows: readonly (readonly SqlInput[] | NamedParameters)[], options?: BatchOptions): Promise<RunResult>;
    /** Statements as template literals: each `${value}` becomes a parameter. */
    get sql(): SqlTagFunction;
}
