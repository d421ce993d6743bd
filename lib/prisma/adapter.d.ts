/** The adapter: one database as Prisma uses it. */
import { type IsolationLevel, type SqlDriverAdapter, type Transaction } from '@prisma/driver-adapter-utils';
import { PrismaQueryable } from './queryable.js';
/** A database that a factory connected to. */
export declare class ActorSqlitePrismaAdapter extends PrismaQueryable implements SqlDriverAdapter {
    #private;
    /** Runs many statements. */
    executeScript(script: string): Promise<void>;
    /** Begins a transaction, which owns the database until it ends. All are serializable. */
    startTransaction(isolationLevel?: IsolationLevel): Promise<Transaction>;
    /** Closes the database if it was opened for Prisma. */
    dispose(): Promise<void>;
}
