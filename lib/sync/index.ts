/** Databases whose calls return their results, on the thread that makes them. */

export type { BackupOptionsSync } from './backup.js'
export { DatabaseSync, type PragmaOptionsSync } from './database.js'
export type { AggregateOptionsSync, FunctionOptionsSync } from './functions.js'
export { RowIteratorSync } from './iterator.js'
export type { OpenSyncOptions } from './open.js'
export { openDatabaseSync } from './open.js'
export { StatementSync, type SyncBindArgs } from './statement.js'
export type { TableDefinitionSync, TableRowSync } from './table-definition.js'
export type { TableContextSync, TableFactorySync } from './tables.js'
export type { TransactionFn } from './transaction.js'
