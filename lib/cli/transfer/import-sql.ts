/** A script into a database, many statements in a transaction. */

import type { Database } from '../../database.js'
import { SqliteError } from '../../errors.js'
import { CliError, Exit, StatementFailure } from '../failure.js'
import type { TextSource } from '../sources.js'
import type { Statement } from '../sql/scanner.js'
import { placed, statementsOf } from '../statements.js'

/** How a script is imported. */
export interface SqlOptions {
  readonly signal: AbortSignal
  readonly progress: (statements: number) => void
}

const BATCH_STATEMENTS = 2000
const BATCH_CHARACTERS = 1 << 20

/** Statements that begin or end transactions, or cannot be in one. */
const ALONE = /^(BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA|VACUUM|ATTACH|DETACH)\b/i

const VIRTUAL = /^\s*(PRAGMA\s+writable_schema\b|INSERT\s+INTO\s+sqlite_(schema|master)\b)/i

/** Runs all statements; gives their number. */
export async function importSql(db: Database, source: TextSource, options: SqlOptions): Promise<number> {
  const runner = new Runner(db)
  // A transaction of the caller is the caller's.
  const outer = db.inTransaction
  let count = 0
  try {
    for await (const statement of statementsOf(source.chunks)) {
      options.signal.throwIfAborted()
      await runner.add(statement)
      count += 1
      options.progress(count)
    }
    await runner.flush()
  } catch (error) {
    if (db.inTransaction && !outer) await db.exec('ROLLBACK')
    throw error
  }
  if (db.inTransaction && !outer) {
    await db.exec('ROLLBACK')
    throw new CliError(
      'the script ends inside a transaction that it began: nothing of that is kept',
      Exit.sql,
    )
  }
  return count
}

class Runner {
  readonly #db: Database
  #batch: Statement[] = []
  #characters = 0

  constructor(db: Database) {
    this.#db = db
  }

  async add(statement: Statement): Promise<void> {
    if (VIRTUAL.test(statement.sql)) throw virtualTable(statement)
    if (ALONE.test(statement.sql)) {
      await this.flush()
      await placed(statement, () => this.#db.exec(statement.sql))
      return
    }
    this.#batch.push(statement)
    this.#characters += statement.sql.length
    if (this.#batch.length >= BATCH_STATEMENTS || this.#characters >= BATCH_CHARACTERS) await this.flush()
  }

  /** Runs what was gathered: in the script's transaction if one is open, else in one of its own. */
  async flush(): Promise<void> {
    const batch = this.#batch
    if (batch.length === 0) return
    this.#batch = []
    this.#characters = 0
    const own = !this.#db.inTransaction
    if (own) await this.#db.exec('BEGIN')
    try {
      await this.#db.exec(batch.map(({ sql }) => (sql.endsWith(';') ? sql : `${sql}\n;`)).join('\n'))
    } catch (error) {
      const failed = error instanceof SqliteError ? batch[error.statementIndex ?? -1] : undefined
      throw failed === undefined ? error : new StatementFailure(error, failed.sql, failed.line)
    }
    if (own) await this.#db.exec('COMMIT')
  }
}

/** Why a dump of the sqlite3 shell with virtual tables cannot be taken. */
function virtualTable({ line }: Statement): CliError {
  return new CliError(
    `line ${line}: the script writes the schema table, as dumps of virtual tables do, which no statement may`,
    Exit.sql,
    'Import the database file itself (.db) instead of its dump.',
  )
}
