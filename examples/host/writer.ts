/**
 * A host process that is meant to be killed: it opens the store, lets many actors write at once,
 * and reports each write to its parent only when the database has acknowledged it.
 */
import { openStorage } from 'actor-sqlite'
import { acknowledge, ledgerActor, migrateLedger } from './ledger.js'

const [store = '', actors = '0', run = '0'] = process.argv.slice(2)
// Without its parent it has nobody to report to, and must not go on holding the store.
process.on('disconnect', () => process.exit())
const storage = await openStorage({ store })

async function write(actor: number): Promise<never> {
  const db = await storage.open(ledgerActor(actor))
  await migrateLedger(db)
  for (let entry = ((await db.pluck<number>('SELECT max(id) FROM entry')) ?? 0) + 1; ; entry += 1) {
    // Two tables in one transaction: after the kill both must have it, or neither.
    await db.transaction(async (tx) => {
      await tx.run('INSERT INTO entry (id, run, amount) VALUES (?, ?, ?)', entry, Number(run), entry % 97)
      await tx.run('UPDATE balance SET total = total + ?, entries = entries + 1', entry % 97)
    })
    acknowledge(actor, entry)
    if (entry % 64 === 0) process.send?.('writing')
  }
}

await Promise.all(Array.from({ length: Number(actors) }, (_, actor) => write(actor)))
