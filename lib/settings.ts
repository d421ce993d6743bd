/** Options of openings as the addon takes them. */

import { hostname } from 'node:os'
import { threadId } from 'node:worker_threads'
import type { NativeDatabaseOptions, NativeStorageOptions } from '../native.cjs'
import type { DatabaseOptions, StorageOptions } from './types.js'

/** Who opens, in words for people: what a fenced owner and a second process are shown. */
export const OWNER = `process ${process.pid} on ${hostname()}${threadId === 0 ? '' : `, worker ${threadId}`}`

/** Of a store. */
export function storageSettings(path: string, options: StorageOptions): NativeStorageOptions {
  const { cacheBytes, memoryBytes, awakeMax, quotaBytes, namespaceQuotaBytes, retention } = options
  return {
    path,
    cacheBytes,
    memoryBytes,
    awakeMax,
    quotaBytes,
    namespaceQuotaBytes,
    scrubBytesPerSecond: options.scrubBytesPerSecond,
    retentionCommits: retention?.commits,
    retentionAgeMs: retention?.ageMs,
    retentionBytes: retention?.bytes,
  }
}

/** Of a database; `defaults` are those of its storage. */
export function databaseSettings(
  actor: string,
  options: DatabaseOptions,
  defaults: Pick<StorageOptions, 'namespace' | 'durability'>,
): NativeDatabaseOptions {
  return {
    actor,
    namespace: options.namespace ?? defaults.namespace ?? '',
    durability: options.durability ?? defaults.durability ?? 'strict',
    owner: OWNER,
    transactionTimeoutMs: options.transactionTimeoutMs,
    readonly: options.readonly,
    create: options.create,
    pageSize: options.pageSize,
    cacheBytes: options.cacheBytes,
    foreignKeys: options.foreignKeys,
    statementCacheSize: options.statementCacheSize,
    queryTimeoutMs: options.queryTimeoutMs,
    idleTimeoutMs: options.idleTimeoutMs,
    quotaBytes: options.quotaBytes,
    limits: options.limits,
  }
}
