/** The actors that are killed in the middle of writing, and the check of what is left of them. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from 'actor-sqlite'

export const ledgerActor = (n: number) => `ledger/${n}`

export async function migrateLedger(db: Database): Promise<void> {
  await db.exec(`
    BEGIN;
    CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, amount INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS balance (total INTEGER NOT NULL, entries INTEGER NOT NULL) STRICT;
    INSERT INTO balance SELECT 0, 0 WHERE NOT EXISTS (SELECT * FROM balance);
    COMMIT;
  `)
}

export interface LedgerCheck {
  /** The highest entry that is there. */
  readonly last: number
  /** What is wrong with it, in words; empty if nothing is. */
  readonly wrong: string[]
}

/** Compares a ledger with the last entry that was acknowledged to its writer. */
export async function checkLedger(db: Database, acknowledged: number): Promise<LedgerCheck> {
  const wrong: string[] = []
  const entries = await db.get<{ last: number; n: number; total: number }>(
    'SELECT coalesce(max(id), 0) AS last, count(*) AS n, coalesce(sum(amount), 0) AS total FROM entry',
  )
  const balance = await db.get<{ total: number; entries: number }>('SELECT total, entries FROM balance')
  const { last = 0, n = 0, total = 0 } = entries ?? {}
  if (last < acknowledged) wrong.push(`entry ${acknowledged} was acknowledged, the last one is ${last}`)
  // One write was under way at most: more than one entry ahead of the acknowledgement is invented.
  if (last > acknowledged + 1) wrong.push(`entry ${last} was never written, the last was ${acknowledged + 1}`)
  if (n !== last) wrong.push(`${last - n} entries are missing in the middle`)
  if (balance?.entries !== n || balance.total !== total) wrong.push('half of a transaction is there')
  const integrity = await db.pluck<string>('PRAGMA integrity_check')
  if (integrity !== 'ok') wrong.push(`integrity_check: ${integrity}`)
  return { last, wrong }
}

/** The descriptor under which a writer finds its parent's {@link AcknowledgementLog}. */
const LOG_FD = 4

/** Notes an acknowledged entry where it survives this process: a write of its own, at once. */
export function acknowledge(actor: number, entry: number): void {
  writeSync(LOG_FD, Uint32Array.of(actor, entry))
}

/** A file of the parent into which a writer notes what the database has acknowledged. */
export class AcknowledgementLog {
  readonly #folder = mkdtempSync(join(tmpdir(), 'actor-sqlite-example-'))
  readonly #path = join(this.#folder, 'acknowledged')
  readonly #last: number[]
  readonly fd = openSync(this.#path, 'a')

  constructor(actors: number) {
    this.#last = new Array<number>(actors).fill(0)
  }

  /** The last acknowledged entry of each actor, 0 if there is none. */
  close(): number[] {
    closeSync(this.fd)
    const bytes = readFileSync(this.#path)
    for (let at = 0; at + 8 <= bytes.length; at += 8) {
      this.#last[bytes.readUInt32LE(at)] = bytes.readUInt32LE(at + 4)
    }
    rmSync(this.#folder, { recursive: true })
    return this.#last
  }
}
