//! How much memory large transactions take: one INSERT, CREATE INDEX, UPDATE of every row, a
//! rollback of that, VACUUM, DELETE of everything and VACUUM again, each a transaction.
//!
//! ```text
//! cargo run --release -p actor-sqlite-vfs --example big_transaction -- 2048
//! ```
//! The argument is the size of the table in MiB. The pages are kept in temporary files, so that what
//! the process takes is SQLite's and the VFS's: `VmHWM`, of each transaction by itself. `cache` is
//! SQLite's own page cache before the commit, and `scratch` the journal on disk. Linux only.
#![allow(clippy::unwrap_used)]

mod file_store;

use std::sync::Arc;
use std::time::Instant;

use actor_sqlite_pagestore::{ActorId, ClaimOptions, Clock, PageStore};
use actor_sqlite_vfs::{Mount, MountOptions, PageCache, register};
use rusqlite::{Connection, OpenFlags, ffi};

use file_store::FileStore;

const MIB: u64 = 1 << 20;

/// As a session has it by default.
const SCRATCH_BYTES: u64 = 8 * MIB;
const TRANSACTION_PAGES: u64 = 4096;
const CACHE_KIB: u64 = 2048;
const PAGE_CACHE_BYTES: u64 = 32 * MIB;

struct Since(Instant);

impl Clock for Since {
    fn now_ms(&self) -> i64 {
        0
    }

    fn monotonic_ns(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// A line of `/proc/self/status`, in MiB.
fn status_mib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").trim().parse::<u64>().unwrap()
        / 1024
}

fn open() -> (Connection, Arc<Mount>) {
    let store = Arc::new(FileStore::new().unwrap());
    let claim = store
        .claim(&ActorId::new("bench", "big").unwrap(), &ClaimOptions::new("big_transaction"))
        .unwrap();
    let clock = Arc::new(Since(Instant::now()));
    let options = MountOptions::new(clock, SCRATCH_BYTES, std::env::temp_dir());
    let mount = Mount::new(store, claim, PageCache::new(PAGE_CACHE_BYTES), options).unwrap();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let vfs = register().unwrap();
    let sql = Connection::open_with_flags_and_vfs(mount.file_name(), flags, vfs).unwrap();
    sql.execute_batch(&format!(
        "PRAGMA journal_mode=TRUNCATE; PRAGMA temp_store=FILE;
         PRAGMA cache_size=-{CACHE_KIB}; PRAGMA cache_spill={TRANSACTION_PAGES}"
    ))
    .unwrap();
    mount.seal();
    (sql, mount)
}

/// The memory of SQLite's own page cache.
fn cache_bytes(sql: &Connection) -> u64 {
    let (mut current, mut highest) = (0, 0);
    // SAFETY: an open connection, and two numbers to write to.
    unsafe {
        let operation = ffi::SQLITE_DBSTATUS_CACHE_USED;
        ffi::sqlite3_db_status(sql.handle(), operation, &mut current, &mut highest, 0);
    }
    current as u64
}

fn measured(sql: &Connection, mount: &Mount, name: &str, statement: &str) {
    // Starts VmHWM anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let (before_mib, before, start) = (status_mib("VmRSS"), mount.metrics(), Instant::now());
    mount.enter();
    let (mut disk, mut cache) = (0, 0);
    for part in statement.split(';') {
        sql.execute_batch(part).unwrap();
        disk = disk.max(mount.metrics().scratch_disk_bytes_used);
        cache = cache.max(cache_bytes(sql));
    }
    let (seconds, after) = (start.elapsed().as_secs_f64(), mount.metrics());
    println!(
        "{name:16} {seconds:7.1} {before_mib:7} {:7} {:7} {:9} {:7} {:9} {:9} {:9} {:7}",
        status_mib("VmHWM"),
        cache / MIB,
        after.db_size_pages * 4096 / MIB,
        after.stages - before.stages,
        after.pages_staged - before.pages_staged,
        after.staged_reads - before.staged_reads,
        after.cache_misses - before.cache_misses,
        disk / MIB,
    );
}

fn main() {
    let mib: u64 = std::env::args().nth(1).map_or(256, |size| size.parse().unwrap());
    let (sql, mount) = open();
    println!(
        "{:16} {:>7} {:>7} {:>7} {:>7} {:>9} {:>7} {:>9} {:>9} {:>9} {:>7}",
        "transaction",
        "s",
        "RSS",
        "HWM",
        "cache",
        "database",
        "stages",
        "staged",
        "reads",
        "misses",
        "scratch"
    );
    let steps = [
        ("create", "CREATE TABLE t(id INTEGER PRIMARY KEY, key, body)".to_owned()),
        (
            "insert",
            format!(
                "BEGIN; WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<{})
                 INSERT INTO t SELECT i, hex(randomblob(8)), randomblob(970) FROM n; COMMIT",
                mib * 1024
            ),
        ),
        ("small", "UPDATE t SET key = 'k' WHERE id = 7".into()),
        ("index", "BEGIN; CREATE INDEX i ON t(key); COMMIT".into()),
        ("update", "BEGIN; UPDATE t SET body = randomblob(970); COMMIT".into()),
        (
            "update indexed",
            "BEGIN; UPDATE t SET key = hex(randomblob(8)) WHERE id % 8 = 0; COMMIT".into(),
        ),
        ("rollback", "BEGIN; UPDATE t SET body = randomblob(970); ROLLBACK".into()),
        (
            "rollback to",
            "BEGIN; SAVEPOINT s; UPDATE t SET body = randomblob(970); ROLLBACK TO s; COMMIT".into(),
        ),
        ("vacuum", "VACUUM".into()),
        ("delete half", "BEGIN; DELETE FROM t WHERE id % 2; COMMIT".into()),
        ("vacuum", "VACUUM".into()),
        ("delete all", "BEGIN; DELETE FROM t; COMMIT".into()),
        ("vacuum", "VACUUM".into()),
    ];
    for (name, statement) in steps {
        measured(&sql, &mount, name, &statement);
    }
    let whole: String = sql.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    println!("{whole}");
}
