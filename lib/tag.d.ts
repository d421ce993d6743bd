/** Template literals as statements. */
import type { Queryable } from './queryable.js';
import type { Row, RunResult, SqlInput, SqlValue } from './types.js';
/** The tag itself runs `all`; its methods say otherwise. */
export interface SqlTagFunction {
    <T = Row>(sql: TemplateStringsArray, ...values: SqlInput[]): Promise<T[]>;
    get<T = Row>(sql: TemplateStringsArray, ...values: SqlInput[]): Promise<T | undefined>;
    all<T = Row>(sql: TemplateStringsArray, ...values: SqlInput[]): Promise<T[]>;
    run(sql: TemplateStringsArray, ...values: SqlInput[]): Promise<RunResult>;
    values<T extends SqlValue[] = SqlValue[]>(sql: TemplateStringsArray, ...values: SqlInput[]): Promise<T[]>;
}
/** Makes the tag of a database or transaction. */
export declare function SqlTag(on: Queryable): SqlTagFunction;
