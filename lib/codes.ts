/** SQLite's result codes: names of extended ones, and what the primary ones say. */

const PRIMARY: readonly (readonly [number, string, string])[] = [
  [0, 'OK', 'not an error'],
  [1, 'ERROR', 'SQL logic error'],
  [2, 'INTERNAL', 'internal logic error'],
  [3, 'PERM', 'access permission denied'],
  [4, 'ABORT', 'query aborted'],
  [5, 'BUSY', 'database is locked'],
  [6, 'LOCKED', 'database table is locked'],
  [7, 'NOMEM', 'out of memory'],
  [8, 'READONLY', 'attempt to write a readonly database'],
  [9, 'INTERRUPT', 'interrupted'],
  [10, 'IOERR', 'disk I/O error'],
  [11, 'CORRUPT', 'database disk image is malformed'],
  [12, 'NOTFOUND', 'unknown operation'],
  [13, 'FULL', 'database or disk is full'],
  [14, 'CANTOPEN', 'unable to open database file'],
  [15, 'PROTOCOL', 'locking protocol'],
  [16, 'EMPTY', 'table contains no data'],
  [17, 'SCHEMA', 'database schema has changed'],
  [18, 'TOOBIG', 'string or blob too big'],
  [19, 'CONSTRAINT', 'constraint failed'],
  [20, 'MISMATCH', 'datatype mismatch'],
  [21, 'MISUSE', 'bad parameter or other API misuse'],
  [22, 'NOLFS', 'large file support is disabled'],
  [23, 'AUTH', 'authorization denied'],
  [24, 'FORMAT', 'auxiliary database format error'],
  [25, 'RANGE', 'column index out of range'],
  [26, 'NOTADB', 'file is not a database'],
  [27, 'NOTICE', 'notification message'],
  [28, 'WARNING', 'warning message'],
  [100, 'ROW', 'another row available'],
  [101, 'DONE', 'no more rows available'],
]

/** Names of extended codes by primary code, the first for `primary | 1 << 8`. */
const EXTENDED: Readonly<Record<number, readonly string[]>> = {
  1: ['MISSING_COLLSEQ', 'RETRY', 'SNAPSHOT', 'RESERVESIZE', 'KEY', 'UNABLE'],
  4: ['', 'ROLLBACK'],
  5: ['RECOVERY', 'SNAPSHOT', 'TIMEOUT'],
  6: ['SHAREDCACHE', 'VTAB'],
  8: ['RECOVERY', 'CANTLOCK', 'ROLLBACK', 'DBMOVED', 'CANTINIT', 'DIRECTORY'],
  10: [
    'READ',
    'SHORT_READ',
    'WRITE',
    'FSYNC',
    'DIR_FSYNC',
    'TRUNCATE',
    'FSTAT',
    'UNLOCK',
    'RDLOCK',
    'DELETE',
    'BLOCKED',
    'NOMEM',
    'ACCESS',
    'CHECKRESERVEDLOCK',
    'LOCK',
    'CLOSE',
    'DIR_CLOSE',
    'SHMOPEN',
    'SHMSIZE',
    'SHMLOCK',
    'SHMMAP',
    'SEEK',
    'DELETE_NOENT',
    'MMAP',
    'GETTEMPPATH',
    'CONVPATH',
    'VNODE',
    'AUTH',
    'BEGIN_ATOMIC',
    'COMMIT_ATOMIC',
    'ROLLBACK_ATOMIC',
    'DATA',
    'CORRUPTFS',
    'IN_PAGE',
  ],
  11: ['VTAB', 'SEQUENCE', 'INDEX'],
  14: ['NOTEMPDIR', 'ISDIR', 'FULLPATH', 'CONVPATH', 'DIRTYWAL', 'SYMLINK'],
  19: [
    'CHECK',
    'COMMITHOOK',
    'FOREIGNKEY',
    'FUNCTION',
    'NOTNULL',
    'PRIMARYKEY',
    'TRIGGER',
    'UNIQUE',
    'VTAB',
    'ROWID',
    'PINNED',
    'DATATYPE',
  ],
  23: ['USER'],
  27: ['RECOVER_WAL', 'RECOVER_ROLLBACK', 'RBU'],
  28: ['AUTOINDEX'],
}

const primaries = new Map(PRIMARY.map(([code, name, text]) => [code, { name, text }]))

/** `SQLITE_CONSTRAINT_UNIQUE` for 2067; the primary name where the extended one is unknown. */
export function codeName(errno: number): `SQLITE_${string}` {
  const primary = primaries.get(errno & 0xff)?.name ?? 'ERROR'
  const extended = EXTENDED[errno & 0xff]?.[(errno >> 8) - 1]
  return extended ? `SQLITE_${primary}_${extended}` : `SQLITE_${primary}`
}

/** What SQLite says of a code in general, as `sqlite3_errstr`. */
export function codeText(errno: number): string {
  if (errno === 516) return 'abort due to ROLLBACK'
  return primaries.get(errno & 0xff)?.text ?? 'unknown error'
}
