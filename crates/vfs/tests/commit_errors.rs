//! Every kind of error of a commit, by both routes: what SQLite says, that the transaction is
//! rolled back, and whether the next one works or the handle is dead.
#![allow(clippy::unwrap_used)]

mod support;
use actor_sqlite_pagestore::StoreError;
use rusqlite::ffi;
use support::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Autocommit,
    Commit,
    Spilled,
}

const WAYS: [Way; 3] = [Way::Autocommit, Way::Commit, Way::Spilled];

fn bench(way: Way) -> (Bench, Db) {
    let cache_spill = if way == Way::Spilled { 10 } else { 2000 };
    let bench = Bench::new(Settings { cache_spill, ..Settings::default() });
    let db = bench.open();
    db.exec(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(100, 900)));
    (bench, db)
}

fn begin(db: &Db, way: Way) -> &'static str {
    match way {
        Way::Autocommit => "INSERT INTO t VALUES(1000, 'new')",
        Way::Commit => {
            db.exec("BEGIN; INSERT INTO t VALUES(1000, 'new'); DELETE FROM t WHERE a <= 50");
            "COMMIT"
        }
        Way::Spilled => {
            db.exec("BEGIN; UPDATE t SET b = zeroblob(800)");
            db.exec("INSERT INTO t SELECT a + 1000, b FROM t; DELETE FROM t WHERE a <= 50");
            assert!(db.metrics().write_buffer_dirty_pages > 10);
            "COMMIT"
        }
    }
}

fn untouched(db: &Db) {
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 100);
    assert_eq!(db.int("SELECT count(*) FROM t"), 100);
    db.check();
}

fn passes(error: StoreError, code: i32) {
    for way in WAYS {
        let (bench, db) = bench(way);
        let before = head(&bench);
        let last = begin(&db, way);
        bench.store.fail_next_commit(error.clone());
        assert_eq!(db.failure(last), (code, Some(error.clone())), "{way:?}");
        assert!(db.sql.is_autocommit(), "{way:?}: the transaction is still open");
        assert_eq!(db.mount.poison(), None);
        assert_eq!(db.mount.take_error(), None, "an error is taken once");
        assert_eq!(head(&bench), before);
        assert_eq!(db.metrics().write_buffer_dirty_pages, 0);
        assert_eq!(db.metrics().commits_failed, 1, "{way:?}: committed twice");
        untouched(&db);
        let batch = db.metrics().commits_batch;
        db.exec("INSERT INTO t VALUES(2000, zeroblob(900)); DELETE FROM t WHERE a = 2000");
        assert_eq!(db.metrics().commits_batch, batch + 2, "{way:?}: the batch route is lost");
        let last = begin(&db, way);
        db.exec(last);
        let count = db.int("SELECT count(*) FROM t");
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t"), count);
        db.check();
    }
}

fn kills(error: StoreError, code: i32) {
    for way in WAYS {
        let (bench, db) = bench(way);
        let last = begin(&db, way);
        let before = head(&bench);
        bench.store.fail_next_commit(error.clone());
        let commits = bench.store.counts().commits;
        assert_eq!(db.failure(last), (code, Some(error.clone())), "{way:?}");
        assert_eq!(db.mount.poison(), Some(error.clone()));
        for sql in ["SELECT count(*) FROM t", "INSERT INTO t VALUES(1, 1)", "BEGIN IMMEDIATE"] {
            let (_, cause) = db.failure(sql);
            assert_eq!(cause, Some(error.clone()), "{way:?}: {sql}");
        }
        assert_eq!(bench.store.counts().commits, commits + 1, "{way:?}: committed again");
        assert_eq!(head(&bench), before);
        let db = db.reopen(&bench);
        untouched(&db);
    }
}

#[test]
fn limit_is_full() {
    passes(limit(), ffi::SQLITE_FULL);
}

#[test]
fn unavailable_is_abort() {
    passes(unavailable(), ffi::SQLITE_ABORT);
}

#[test]
fn corrupt_is_corrupt() {
    passes(corrupt(), ffi::SQLITE_CORRUPT);
}

#[test]
fn invalid_is_misuse() {
    passes(StoreError::Invalid { reason: "a bug".into() }, ffi::SQLITE_MISUSE);
}

#[test]
fn fenced_is_moved_and_over() {
    kills(fenced(), ffi::SQLITE_READONLY_DBMOVED);
}

#[test]
fn unknown_commit_is_over() {
    kills(unknown_commit(), ffi::SQLITE_ABORT);
}

#[test]
fn dead_is_over() {
    kills(dead(), ffi::SQLITE_ABORT);
}

#[test]
fn closed_is_over() {
    kills(StoreError::Closed, ffi::SQLITE_ABORT);
}

#[test]
fn a_commit_that_landed_unseen_is_there_after_reopening() {
    for way in WAYS {
        let (bench, db) = bench(way);
        let last = begin(&db, way);
        bench.store.fail_next_commit_after_landing(unknown_commit());
        db.failure(last);
        assert_eq!(db.mount.poison(), Some(unknown_commit()));
        let landed = head(&bench);
        let db = db.reopen(&bench);
        assert_eq!(head(&bench), landed, "nothing was committed on top");
        assert!(db.int("SELECT count(*) FROM t WHERE a >= 1000") > 0, "{way:?}");
        db.check();
    }
}

#[test]
fn a_real_fence() {
    for way in WAYS {
        let (bench, db) = bench(way);
        let last = begin(&db, way);
        let other = bench.open();
        other.exec("INSERT INTO t VALUES(500, 'other')");
        let before = head(&bench);
        let (code, cause) = db.failure(last);
        assert_eq!(code, ffi::SQLITE_READONLY_DBMOVED);
        assert!(matches!(cause, Some(StoreError::Fenced { .. })), "{cause:?}");
        assert_eq!(head(&bench), before);
        drop(db);
        assert_eq!(other.int("SELECT count(*) FROM t"), 101);
        other.check();
    }
}

#[test]
fn the_first_commit_of_an_empty_database_fails() {
    let bench = Bench::new(Settings::default());
    let db = bench.open();
    bench.store.fail_next_commit(unavailable());
    assert_eq!(db.failure("CREATE TABLE t(a)"), (ffi::SQLITE_ABORT, Some(unavailable())));
    assert_eq!(head(&bench).size, 0);
    db.exec("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT a FROM t"), 1);
    db.check();
}

#[test]
fn an_open_read_does_not_outlive_a_failed_commit() {
    let (bench, db) = bench(Way::Commit);
    db.exec("BEGIN; UPDATE t SET b = 'x'");
    bench.store.fail_next_commit(unavailable());
    let mut select = db.sql.prepare("SELECT b FROM t").unwrap();
    let mut open = select.query([]).unwrap();
    assert_eq!(open.next().unwrap().unwrap().get::<_, String>(0).unwrap(), "x");
    assert!(db.sql.execute_batch("COMMIT").is_err());
    let mut seen = 0;
    while let Ok(Some(row)) = open.next() {
        assert_ne!(row.get_ref(0).unwrap().as_str().unwrap_or("old"), "x", "read the dead state");
        seen += 1;
    }
    assert!(seen < 100);
    drop(open);
    drop(select);
    untouched(&db);
}
