/** What one small commit costs the store: rows, bytes, fsyncs, from the store's own counters. */
import type { Storage } from 'actor-sqlite'
import { randomBytes } from './measure.js'

export async function perCommit(storage: Storage): Promise<void> {
  const db = await storage.open('bench/costs')
  await db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
  const value = randomBytes(200, 3)
  const commits = 60 // fewer than a compaction begins at
  const before = storage.metrics
  const phasesBefore = db.metrics.commit
  for (let i = 0; i < commits; i += 1) await db.run('INSERT INTO t VALUES (NULL, ?)', value)
  const after = storage.metrics
  const phases = db.metrics.commit
  await db.close()
  const mean = (a: number, b: number) => ((b - a) / commits).toFixed(1)
  const us = (a: number, b: number) => ((b - a) / commits / 1000).toFixed(1)
  console.log(`\n### What one durable insert of 200 B costs, mean of ${commits}\n`)
  console.log('| what | each |\n|---|---:|')
  console.log(`| rows written | ${mean(before.engine.commitRows, after.engine.commitRows)} |`)
  console.log(
    `| bytes stored, keys and values | ${mean(before.engine.commitBytes, after.engine.commitBytes)} |`,
  )
  console.log(`| pages changed | ${mean(before.engine.commitPages, after.engine.commitPages)} |`)
  console.log(
    `| key-value reads | ${mean(before.kv.gets + before.kv.scans, after.kv.gets + after.kv.scans)} |`,
  )
  console.log(`| fsyncs | ${mean(before.kv.syncs, after.kv.syncs)} |`)
  console.log(`| request build, µs | ${us(phasesBefore.requestBuildNs, phases.requestBuildNs)} |`)
  console.log(`| serialize, µs | ${us(phasesBefore.serializeNs, phases.serializeNs)} |`)
  console.log(`| transport (order in the store), µs | ${us(phasesBefore.transportNs, phases.transportNs)} |`)
  console.log(`| state update, µs | ${us(phasesBefore.stateUpdateNs, phases.stateUpdateNs)} |`)
}
