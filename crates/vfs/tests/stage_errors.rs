//! A stage that fails ends the transaction, wherever it strikes: in a statement, in a rollback to a
//! savepoint, in the commit itself.
#![allow(clippy::unwrap_used)]

mod support;
use actor_sqlite_pagestore::StoreError;
use rusqlite::ffi;
use support::stores::{Call, Recorder};
use support::*;

/// What SQLite does when the stage fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// A statement of its own spills.
    Autocommit,
    /// A statement of a transaction spills.
    Transaction,
    /// A statement that could be undone by itself spills.
    Statement,
    /// The first stage is that of the pages that a rollback to a savepoint restores.
    RollbackTo,
    /// The pages of a batch-atomic commit do not fit.
    Batch,
    /// The last pages of a spilled transaction do not fit.
    Commit,
}

const WAYS: [Way; 6] =
    [Way::Autocommit, Way::Transaction, Way::Statement, Way::RollbackTo, Way::Batch, Way::Commit];

fn bench(way: Way) -> (Bench, Db) {
    let cache_spill = if way == Way::Batch { 2000 } else { 10 };
    let write_set_bytes_max = 8 * 4096;
    let cache_bytes = 0;
    let settings =
        Settings { cache_bytes, cache_spill, write_set_bytes_max, ..Settings::default() };
    let bench = Bench::new(settings);
    let db = bench.open();
    db.exec(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(400, 900)));
    (bench, db)
}

/// Comes to the statement that will fail.
fn begin(db: &Db, way: Way) -> &'static str {
    match way {
        Way::Autocommit | Way::Batch => "UPDATE t SET b = zeroblob(850)",
        Way::Transaction => {
            db.exec("BEGIN; INSERT INTO t VALUES(1000, 'new'); UPDATE t SET b = zeroblob(800)");
            "UPDATE t SET b = zeroblob(850)"
        }
        Way::Statement => {
            db.exec("CREATE UNIQUE INDEX u ON t(a); BEGIN");
            db.exec("INSERT INTO t VALUES(1000, 'new'); UPDATE t SET b = zeroblob(800)");
            "INSERT INTO t SELECT a + 2000, b FROM t"
        }
        Way::RollbackTo => {
            db.exec("BEGIN; UPDATE t SET b = zeroblob(800); SAVEPOINT s");
            db.exec("UPDATE t SET b = zeroblob(700)");
            "ROLLBACK TO s"
        }
        Way::Commit => {
            // Eight pages are written and a page short of ten are in SQLite's cache.
            db.exec("BEGIN; UPDATE t SET b = zeroblob(800)");
            "COMMIT"
        }
    }
}

fn untouched(db: &Db) {
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 400);
    assert_eq!(db.int("SELECT count(*) FROM t"), 400);
    db.check();
}

fn ends_the_transaction(error: StoreError, code: i32, batch_code: i32) {
    for way in WAYS {
        let (bench, db) = bench(way);
        let last = begin(&db, way);
        let (before, commits) = (head(&bench), bench.store.counts().commits);
        bench.store.fail_next_stage(error.clone());
        let code = if matches!(way, Way::Batch) { batch_code } else { code };
        assert_eq!(db.failure(last), (code, Some(error.clone())), "{way:?}");
        assert!(db.sql.is_autocommit(), "{way:?}: the transaction is still open");
        assert_eq!(db.mount.poison(), None);
        assert_eq!(db.metrics().write_buffer_dirty_pages, 0, "{way:?}");
        assert_eq!(bench.store.staged(&actor()), 0, "{way:?}");
        assert_eq!((head(&bench), bench.store.counts().commits), (before, commits), "{way:?}");
        untouched(&db);
        let batch = db.metrics().commits_batch;
        db.exec("INSERT INTO t VALUES(2000, zeroblob(900)); DELETE FROM t WHERE a = 2000");
        assert_eq!(db.metrics().commits_batch, batch + 2, "{way:?}: the batch route is lost");
        db.exec("UPDATE t SET b = zeroblob(850)");
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 850"), 400);
        db.check();
    }
}

#[test]
fn limit_quota_and_full_are_full() {
    let scope = actor_sqlite_pagestore::QuotaScope::Actor;
    let quota = StoreError::Quota { actor: actor(), scope, stored_bytes: 2, quota_bytes: 1 };
    for error in [limit(), quota, StoreError::Full { reason: "no space".into() }] {
        ends_the_transaction(error, ffi::SQLITE_FULL, ffi::SQLITE_FULL);
    }
}

#[test]
fn others_are_an_io_error_and_an_abort_in_an_atomic_write() {
    ends_the_transaction(unavailable(), ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_ABORT);
    ends_the_transaction(corrupt(), ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_CORRUPT);
    let invalid = StoreError::Invalid { reason: "pages cannot be staged".into() };
    ends_the_transaction(invalid, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_MISUSE);
}

#[test]
fn a_fence_and_a_dead_store_end_the_handle() {
    for error in [fenced(), dead()] {
        for way in WAYS {
            let (bench, db) = bench(way);
            let last = begin(&db, way);
            let before = head(&bench);
            bench.store.fail_next_stage(error.clone());
            let (_, cause) = db.failure(last);
            assert_eq!(cause, Some(error.clone()), "{way:?}");
            assert_eq!(db.mount.poison(), Some(error.clone()), "{way:?}");
            assert!(db.sql.execute_batch("SELECT count(*) FROM t").is_err());
            assert_eq!(head(&bench), before, "{way:?}");
            let db = db.reopen(&bench);
            untouched(&db);
        }
    }
}

#[test]
fn a_failed_commit_discards_the_stage_once() {
    let (bench, db) = bench(Way::Commit);
    drop(db);
    let recorder = Recorder::new(bench.store.clone());
    let mount = bench.mount_over(recorder.clone());
    let db = Db { sql: bench.connect(&mount).unwrap(), mount };
    bench.store.fail_next_commit(unavailable());
    assert_eq!(
        db.failure("UPDATE t SET b = zeroblob(850)"),
        (ffi::SQLITE_ABORT, Some(unavailable()))
    );
    let sequence = 1;
    assert_eq!(
        recorder.calls(),
        [
            Call::Stage { sequence },
            Call::Commit { sequence, staged: true, frees: true },
            Call::Discard { sequence }
        ]
    );
    untouched(&db);
}

#[test]
fn a_commit_whose_outcome_is_unknown_is_not_discarded() {
    let (bench, db) = bench(Way::Commit);
    drop(db);
    let recorder = Recorder::new(bench.store.clone());
    let mount = bench.mount_over(recorder.clone());
    let db = Db { sql: bench.connect(&mount).unwrap(), mount };
    bench.store.fail_next_commit_after_landing(unknown_commit());
    db.failure("UPDATE t SET b = zeroblob(850)");
    let db = db.reopen(&bench);
    let discards = recorder.calls();
    assert!(!discards.iter().any(|call| matches!(call, Call::Discard { .. })), "{discards:?}");
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 850"), 400);
    db.check();
}

#[test]
fn a_read_of_a_staged_page_that_fails_rolls_back() {
    let (bench, db) = bench(Way::Transaction);
    let before = head(&bench);
    db.exec("BEGIN; UPDATE t SET b = zeroblob(800)");
    // Behind the mount's back: the staged pages are gone.
    let claim = actor_sqlite_pagestore::ClaimOptions::new("other");
    let store: &dyn actor_sqlite_pagestore::PageStore = &*bench.store;
    store.claim(&actor(), &claim).unwrap();
    let (code, cause) = db.failure("UPDATE t SET b = zeroblob(700)");
    assert_eq!(code, ffi::SQLITE_IOERR_READ);
    assert!(matches!(cause, Some(StoreError::Fenced { .. })), "{cause:?}");
    assert_eq!(head(&bench), before);
}
