/**
 * A private SQLite database for every actor, in one transactional store.
 *
 * @module
 */

import { Database, Scoped } from './lib/database.js'
import { Queryable } from './lib/queryable.js'
import { Statement } from './lib/statement.js'
import { Storage } from './lib/storage.js'
import { RollbackError, Transaction } from './lib/transaction.js'

export type { SqliteErrorCode, StorageErrorCode, StorageErrorDetails } from './lib/errors.js'
export { SqliteError, StorageError } from './lib/errors.js'
export type { InspectorMetric, LabeledTiming } from './lib/metrics.js'
export { inspectorMetrics, prometheus } from './lib/metrics.js'
export type { OpenOptions } from './lib/storage.js'
export { openDatabase, openStorage } from './lib/storage.js'
export type {
  AggregateOptionsSync,
  BackupOptionsSync,
  FunctionOptionsSync,
  OpenSyncOptions,
  PragmaOptionsSync,
  SyncBindArgs,
  TableContextSync,
  TableDefinitionSync,
  TableFactorySync,
  TableRowSync,
  TransactionFn,
} from './lib/sync/index.js'
export { DatabaseSync, openDatabaseSync, RowIteratorSync, StatementSync } from './lib/sync/index.js'
export type { SqlTagFunction } from './lib/tag.js'
export type { TraceMessage, TraceOperation } from './lib/trace.js'
export type * from './lib/types.js'
export type {
  CommitMetrics,
  DatabaseMetrics,
  EngineMetrics,
  ExecutorMetrics,
  HistogramMetrics,
  KvMetrics,
  PageCacheMetrics,
  QueueMetrics,
  ScrubMetrics,
  SleepMetrics,
  StatementMetrics,
  StorageMetrics,
  TransactionMetrics,
  VfsMetrics,
} from './native.cjs'
export { Database, Queryable, RollbackError, Scoped, Statement, Storage, Transaction }
