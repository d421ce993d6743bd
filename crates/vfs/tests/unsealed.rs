//! Journal modes we do not choose, set before the mount is sealed: a host that forgets to seal must
//! not lose pages either.
#![allow(clippy::unwrap_used)]

mod support;
use support::*;

fn open(bench: &Bench, mode: &str) -> Db {
    let mount = bench.mount();
    let flags =
        rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_CREATE;
    let vfs = actor_sqlite_vfs::register().unwrap();
    let sql = rusqlite::Connection::open_with_flags_and_vfs(mount.file_name(), flags, vfs).unwrap();
    let db = Db { sql, mount };
    db.exec(&format!("PRAGMA cache_size=10; PRAGMA cache_spill=10; PRAGMA journal_mode={mode}"));
    db
}

/// Pages spilled before `BEGIN_ATOMIC_WRITE` belong to the commit.
#[test]
fn memory_journal_commits_what_spilled_before_the_atomic_write() {
    let bench = Bench::new(Settings::default());
    let db = open(&bench, "MEMORY");
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    db.exec(&format!("INSERT INTO t {}", rows(500, 900)));
    let metrics = db.metrics();
    assert_eq!((metrics.commits_batch, metrics.commits_sync), (2, 0));
    let before = head(&bench);
    db.exec("BEGIN; UPDATE t SET b = zeroblob(800)");
    assert!(db.metrics().write_buffer_dirty_pages > 50);
    db.exec("ROLLBACK");
    assert_eq!(head(&bench), before, "old images are no change");
    db.check();
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT sum(length(b)) FROM t"), 450_000);
    db.check();
}

#[test]
fn exclusive_locking_loses_the_batch_route_and_no_data() {
    for mode in ["DELETE", "TRUNCATE", "PERSIST"] {
        let bench = Bench::new(Settings::default());
        let db = open(&bench, mode);
        db.exec("PRAGMA locking_mode=EXCLUSIVE; CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
        db.exec(&format!("INSERT INTO t {}", rows(500, 900)));
        let before = head(&bench);
        db.exec("BEGIN; UPDATE t SET b = zeroblob(800); ROLLBACK");
        assert_eq!(head(&bench), before, "{mode}");
        db.exec("BEGIN; SAVEPOINT s; UPDATE t SET b = zeroblob(800); ROLLBACK TO s");
        db.exec("DELETE FROM t WHERE a = 1; COMMIT; UPDATE t SET b = zeroblob(700) WHERE a = 2");
        assert_eq!(db.metrics().commits_batch, 0);
        db.check();
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT sum(length(b)) FROM t"), 498 * 900 + 700, "{mode}");
        db.check();
    }
}

/// Without a journal SQLite cannot roll back what spilled; the store can.
#[test]
fn no_journal_and_a_rollback_restores_the_base() {
    let bench = Bench::new(Settings::default());
    let db = open(&bench, "OFF");
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    db.exec(&format!("INSERT INTO t {}", rows(500, 900)));
    let before = head(&bench);
    let _ = db.sql.execute_batch("BEGIN; UPDATE t SET b = zeroblob(800); ROLLBACK");
    assert_eq!(head(&bench), before);
    assert_eq!(db.metrics().write_buffer_dirty_pages, 0);
    assert_eq!(db.int("SELECT sum(length(b)) FROM t"), 450_000);
    db.exec("INSERT INTO t VALUES(1000, 'later')");
    db.check();
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 500);
    db.check();
}

/// An I/O error in an atomic write would make SQLite write its own pages again, without those that
/// spilled before.
#[test]
fn memory_journal_and_a_stage_that_fails_in_the_atomic_write() {
    let settings = Settings { write_set_bytes_max: 40 * 4096, ..Settings::default() };
    let bench = Bench::new(settings);
    let db = open(&bench, "MEMORY");
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    db.exec(&format!("INSERT INTO t {}", rows(500, 900)));
    let before = head(&bench);
    db.exec("BEGIN");
    let mut failed = 0;
    for row in 1..=500 {
        db.exec(&format!("UPDATE t SET b = zeroblob(800) WHERE a = {row}"));
        if db.metrics().write_buffer_dirty_pages != 40 {
            continue;
        }
        // The write set is full, and the commit has a page for it.
        bench.store.fail_next_stage(unavailable());
        let (code, cause) = db.failure("COMMIT");
        assert_eq!((code, cause), (rusqlite::ffi::SQLITE_ABORT, Some(unavailable())));
        assert!(db.sql.is_autocommit());
        assert_eq!(head(&bench), before, "half a transaction was committed");
        db.check();
        failed += 1;
        db.exec("BEGIN");
    }
    assert!(failed > 0);
    db.exec("ROLLBACK");
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT sum(length(b)) FROM t"), 450_000);
    db.check();
}

/// `zeroJournalHdr` asks for the journal's size after its last write, as a playback does before its
/// first: what the next transaction writes must not be taken for one.
#[test]
fn a_journal_with_a_size_limit_does_not_pass_for_a_playback() {
    for locking in ["NORMAL", "EXCLUSIVE"] {
        for synchronous in ["NORMAL", "OFF"] {
            let bench = Bench::new(Settings::default());
            let db = open(&bench, "PERSIST");
            db.exec(&format!("PRAGMA locking_mode={locking}; PRAGMA synchronous={synchronous}"));
            db.exec("PRAGMA journal_size_limit=100000");
            db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
            for round in 1..=5 {
                db.exec(&format!(
                    "INSERT INTO t(b) SELECT b FROM (SELECT i, zeroblob(900) AS b FROM ({}))",
                    numbers()
                ));
                db.exec("UPDATE t SET b = zeroblob(800) WHERE a = 1");
                db.exec("BEGIN; UPDATE t SET b = zeroblob(700); ROLLBACK");
                assert_eq!(db.int("SELECT count(*) FROM t"), round * 200);
                db.check();
            }
            let db = db.reopen(&bench);
            assert_eq!(db.int("SELECT sum(length(b)) FROM t"), 999 * 900 + 800);
            db.check();
        }
    }
}

fn numbers() -> &'static str {
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<200) SELECT i FROM n"
}
