/** Kysely's driver: one connection, for one user at a time. */
import { type DatabaseConnection, type Driver, type QueryCompiler, type TransactionSettings } from 'kysely';
import type { ActorSqliteDialectConfig } from './dialect.js';
type CompileQuery = QueryCompiler['compileQuery'];
/** Drives one database. Who has its connection has it alone, until it is released. */
export declare class ActorSqliteDriver implements Driver {
    #private;
    constructor(config: ActorSqliteDialectConfig);
    init(): Promise<void>;
    acquireConnection(): Promise<DatabaseConnection>;
    /**
     * Begins. Any isolation level is kept, as one transaction runs at a time; of one that is read only,
     * statements that write are refused.
     */
    beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void>;
    commitTransaction(connection: DatabaseConnection): Promise<void>;
    rollbackTransaction(connection: DatabaseConnection): Promise<void>;
    savepoint(connection: DatabaseConnection, name: string, compileQuery: CompileQuery): Promise<void>;
    rollbackToSavepoint(connection: DatabaseConnection, name: string, compileQuery: CompileQuery): Promise<void>;
    releaseSavepoint(connection: DatabaseConnection, name: string, compileQuery: CompileQuery): Promise<void>;
    releaseConnection(): Promise<void>;
    destroy(): Promise<void>;
}
export {};
