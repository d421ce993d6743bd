/** `verify`: checksums of all rows, and SQLite's own check. */

import { StorageError } from '../../errors.js'
import type { Storage } from '../../storage.js'
import type { VerifyReport } from '../../types.js'
import { chosenActors, nameLine } from '../actors.js'
import type { Command, Context } from '../command.js'
import { Exit, Interrupted } from '../failure.js'
import { Colour, painter } from '../output.js'
import { Progress } from '../progress.js'
import { withStorage } from '../stores.js'

/** What is wrong with a database. */
interface Findings {
  readonly actor: string
  readonly namespace: string
  readonly rows: number
  readonly bytes: number
  readonly pages: number
  /** Damaged rows of the store. */
  readonly damage: readonly { row: string; reason: string }[]
  /** What integrity_check says; nothing if it was not asked. */
  readonly integrity: readonly string[]
}

const isSound = ({ damage, integrity }: Findings): boolean =>
  damage.length === 0 && integrity.every((line) => line === 'ok')

/** Whether an error says that stored bytes are wrong; a store that meets them in the background stops. */
function isDamage(error: unknown): error is StorageError {
  return error instanceof StorageError && (error.code === 'ERR_CORRUPT' || error.code === 'ERR_DEAD')
}

/** SQLite's check of what the pages hold. */
async function integrity(context: Context, storage: Storage, actor: string): Promise<string[]> {
  try {
    const db = await storage.open(actor, { create: false, readonly: true })
    try {
      const rows = await db.with({ signal: context.signal }).values<[string]>('PRAGMA integrity_check')
      return rows.map(([line]) => line)
    } finally {
      await db.close()
    }
  } catch (error) {
    // A damaged row ends the check; any other failure is one of the command.
    if (isDamage(error)) return [error.message]
    throw error
  }
}

/** The store's checksums. What its own files fail at ends the walk, and is damage like any other. */
async function checksums(storage: Storage, actor: string): Promise<VerifyReport> {
  try {
    return await storage.verify(actor)
  } catch (error) {
    if (!isDamage(error)) throw error
    const damage = { namespace: '', actor, row: error.row ?? 'files of the store', reason: error.message }
    return { rows: 0, bytes: 0, pages: 0, damage: [damage] }
  }
}

async function verifyActor(context: Context, storage: Storage, actor: string): Promise<Findings> {
  const { rows, bytes, pages, damage } = await checksums(storage, actor)
  if (context.signal.aborted) throw new Interrupted()
  // Where the walk could not go on, SQLite could not either.
  const asked = context.options['checksums'] !== true && (pages > 0 || damage.length === 0)
  const checked = asked ? await integrity(context, storage, actor) : []
  return {
    actor,
    namespace: context.namespace ?? '',
    rows,
    bytes,
    pages,
    damage: damage.map(({ row, reason }) => ({ row, reason })),
    integrity: checked,
  }
}

function report({ out, json }: Context, findings: Findings): void {
  if (json) {
    out.line(JSON.stringify(findings))
    return
  }
  const paint = painter(process.stdout)
  const { actor, rows, bytes, pages, damage } = findings
  if (isSound(findings)) {
    out.line(
      `${nameLine(actor)}: ${paint(Colour.green, 'ok')} (${rows} rows, ${pages} pages, ${bytes} bytes)`,
    )
    return
  }
  out.line(`${nameLine(actor)}: ${paint(Colour.red, 'damaged')}`)
  for (const { row, reason } of damage) out.line(`  ${row}: ${reason}`)
  for (const line of findings.integrity) if (line !== 'ok') out.line(`  integrity_check: ${line}`)
}

async function verifyAll(context: Context, storage: Storage): Promise<number> {
  const progress = new Progress('verifying', 'B', context.quiet)
  let [sound, damaged, bytes] = [0, 0, 0]
  try {
    for await (const actor of chosenActors(context, storage)) {
      const findings = await verifyActor(context, storage, actor)
      if (isSound(findings)) sound += 1
      else damaged += 1
      bytes += findings.bytes
      progress.end()
      report(context, findings)
      await context.out.ready()
      progress.update(bytes)
    }
  } finally {
    progress.end()
  }
  if (context.args.length === 0) context.note(`${sound} sound, ${damaged} damaged`)
  return damaged === 0 ? Exit.ok : Exit.failed
}

export const verify: Command = {
  name: 'verify',
  usage: '[actor]',
  summary: 'check every checksum, and what SQLite makes of the pages',
  details: `Reads every row that the store has of an actor, then runs PRAGMA integrity_check; without an actor, of all in
the namespace. Code 1 if anything is wrong, which is named. With --json: one object an actor and line.`,
  options: {
    checksums: { type: 'boolean', help: 'check the rows of the store only, which opens no database' },
  },
  examples: [
    'actor-sqlite verify',
    'actor-sqlite verify room-42',
    'actor-sqlite verify --json --checksums | jq .damage',
  ],
  arity: [0, 1],
  async run(context) {
    return await withStorage(context, (storage) => verifyAll(context, storage))
  },
}
