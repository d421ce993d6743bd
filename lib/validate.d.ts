/** Checks of arguments and options, each with a message that names the culprit. */
import type { BatchOptions, BatchStatement, CallOptions, DatabaseOptions, ExportDestination, ExportOptions, ImportOptions, ImportSource, ListOptions, NamespaceOptions, SerializeOptions, StorageExportOptions, StorageOptions, TransactionBehavior, TransactionOptions } from './types.js';
/** Options of `openStorage`. */
export declare function checkStorageOptions(options: unknown): asserts options is StorageOptions;
/** Options of `storage.open`. */
export declare function checkDatabaseOptions(options: unknown): asserts options is DatabaseOptions;
/** Options of `openDatabaseSync`. */
export declare function checkSyncOptions(options: unknown): asserts options is DatabaseOptions;
/** Options that name a namespace alone. */
export declare function checkNamespaceOptions(options: unknown): asserts options is NamespaceOptions;
/** Options of `list`. */
export declare function checkListOptions(options: unknown): asserts options is ListOptions;
/** The name of a namespace. */
export declare function checkNamespace(namespace: unknown): asserts namespace is string;
/** A quota, or `null` for none. */
export declare function checkQuota(quota: unknown): asserts quota is number | null;
/** The name of an actor. */
export declare function checkActor(actor: unknown): asserts actor is string;
/** Options of `db.export`. */
export declare function checkExportOptions(options: unknown): asserts options is ExportOptions;
/** Options of `storage.export`. */
export declare function checkStorageExportOptions(options: unknown): asserts options is StorageExportOptions;
/** Options of `storage.import`. */
export declare function checkImportOptions(options: unknown): asserts options is ImportOptions;
/** What is imported. */
export declare function checkSource(from: unknown): asserts from is ImportSource;
/** Options of `serialize`. */
export declare function checkSerializeOptions(options: unknown): asserts options is SerializeOptions;
/** Where an export goes. */
export declare function checkDestination(to: unknown): asserts to is ExportDestination;
/** Options of `with`. */
export declare function checkCallOptions(options: unknown): asserts options is CallOptions;
/** Options of `transaction`. */
export declare function checkTransactionOptions(options: unknown): asserts options is TransactionOptions;
/** Options of `batch`; says how the batch's transaction begins. */
export declare function checkBehavior(options: BatchOptions | undefined): TransactionBehavior;
/** SQL text. */
export declare function checkSql(sql: unknown): asserts sql is string;
/** A callback of a transaction. */
export declare function checkCallback(callback: unknown): void;
/** The statements of a batch. */
export declare function checkBatch(statements: unknown): asserts statements is readonly BatchStatement[];
/** The rows of a batch. */
export declare function checkRows(rows: unknown): void;
