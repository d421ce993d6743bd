/** Prisma's transactions. */
import type { Transaction, TransactionOptions } from '@prisma/driver-adapter-utils';
import type { HeldTransaction } from '../held.js';
import type { TimestampFormat } from './columns.js';
import { PrismaQueryable } from './queryable.js';
/** A transaction that Prisma holds open. */
export declare class PrismaTransaction extends PrismaQueryable implements Transaction {
    #private;
    /** Prisma calls `commit` and `rollback`, and sends no SQL for them. */
    readonly options: TransactionOptions;
    constructor(held: HeldTransaction, format: TimestampFormat);
    commit(): Promise<void>;
    rollback(): Promise<void>;
    createSavepoint(name: string): Promise<void>;
    rollbackToSavepoint(name: string): Promise<void>;
    releaseSavepoint(name: string): Promise<void>;
}
