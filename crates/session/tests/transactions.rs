//! Transactions that a caller owns, and SQLite's own rollbacks.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use actor_sqlite_pagestore::{MemPageStore, StoreError};
use actor_sqlite_session::*;
use common::*;
use rusqlite::ffi;

fn table(db: &Db) {
    db.run("CREATE TABLE t (a INTEGER PRIMARY KEY, b UNIQUE)").unwrap();
}

fn count(db: &Db) -> Value {
    db.one("SELECT count(*) FROM t")
}

#[track_caller]
fn over<T: std::fmt::Debug>(result: Result<T>, expected: &str) {
    match result {
        Err(SessionError::TransactionOver { reason }) => assert_eq!(reason, expected),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn usage<T: std::fmt::Debug>(result: Result<T>) {
    assert!(matches!(&result, Err(SessionError::Usage { .. })), "{result:?}");
}

#[test]
fn commit_and_rollback() {
    let db = fresh();
    table(&db);
    let id = db.begin();
    assert!(db.session.in_transaction());
    db.call_in(id, run("INSERT INTO t VALUES (1, 1)")).unwrap();
    db.call_in(id, Action::Commit).unwrap();
    assert!(!db.session.in_transaction());
    let id = db.begin();
    db.call_in(id, run("INSERT INTO t VALUES (2, 2)")).unwrap();
    db.call_in(id, Action::Rollback).unwrap();
    assert_eq!(count(&db), int(1));
    over(db.call_in(id, run("INSERT INTO t VALUES (3, 3)")), "it was rolled back");
    db.call_in(id, Action::Rollback).unwrap();
    over(db.call_in(id, Action::Commit), "it was rolled back");
    let metrics = db.session.metrics().transactions;
    assert_eq!((metrics.committed, metrics.rolled_back, metrics.auto_rolled_back), (1, 1, 0));
}

#[test]
fn who_is_not_part_of_it_stays_out() {
    let db = fresh();
    table(&db);
    let id = db.begin();
    usage(db.run("INSERT INTO t VALUES (1, 1)"));
    usage(db.script("SELECT 1"));
    usage(db.call(Action::Batch { entries: vec![], behavior: Behavior::Deferred }));
    usage(db.call(Action::Begin(Behavior::Deferred)));
    usage(db.call(Action::Commit));
    usage(db.call(Action::Rollback));
    db.call_in(id, Action::Commit).unwrap();
    over(db.call_in(id, Action::Rollback), "it was committed");
    let other = db.begin();
    over(db.call_in(id, run("SELECT 1")), "it was committed");
    db.call_in(other, Action::Rollback).unwrap();
    over(db.call_in(id, run("SELECT 1")), "it ended before another one began");
    usage(db.call(Action::Commit));
    usage(db.call(Action::Rollback));
}

#[test]
fn nested_ones_are_savepoints() {
    let db = fresh();
    table(&db);
    let id = db.begin();
    let insert = |n: i64| db.call_in(id, run(&format!("INSERT INTO t VALUES ({n}, {n})"))).unwrap();
    insert(1);
    assert_eq!(began(db.call_in(id, Action::Begin(Behavior::Immediate)).unwrap()), id);
    insert(2);
    db.call_in(id, Action::Begin(Behavior::Deferred)).unwrap();
    insert(3);
    db.call_in(id, Action::Rollback).unwrap();
    insert(4);
    db.call_in(id, Action::Commit).unwrap();
    db.call_in(id, Action::Begin(Behavior::Deferred)).unwrap();
    insert(5);
    db.call_in(id, Action::Rollback).unwrap();
    db.call_in(id, Action::Commit).unwrap();
    assert_eq!(db.all("SELECT a FROM t").unwrap(), [[int(1)], [int(2)], [int(4)]]);
}

#[test]
fn an_error_that_makes_sqlite_roll_back_ends_it() {
    let db = fresh();
    table(&db);
    let id = db.begin();
    db.call_in(id, run("INSERT INTO t VALUES (1, 1)")).unwrap();
    // Without ON CONFLICT ROLLBACK the transaction goes on.
    let error = db.call_in(id, run("INSERT INTO t VALUES (1, 2)"));
    assert_eq!(code(error), ffi::SQLITE_CONSTRAINT_PRIMARYKEY);
    let error = db.call_in(id, run("INSERT OR ROLLBACK INTO t VALUES (2, 1)"));
    assert_eq!(code(error), ffi::SQLITE_CONSTRAINT_UNIQUE);
    assert!(!db.session.in_transaction());
    over(db.call_in(id, run("INSERT INTO t VALUES (3, 3)")), "a statement in it ended it");
    over(db.call_in(id, Action::Commit), "a statement in it ended it");
    db.call_in(id, Action::Rollback).unwrap();
    assert_eq!(count(&db), int(0), "nothing was written outside");
    assert_eq!(db.session.metrics().transactions.auto_rolled_back, 1);
}

#[test]
fn statements_that_end_it() {
    let db = fresh();
    table(&db);
    for sql in ["COMMIT", "ROLLBACK", "END"] {
        let id = db.begin();
        db.call_in(id, run(sql)).unwrap();
        over(db.call_in(id, run("INSERT INTO t VALUES (3, 3)")), "a statement in it ended it");
    }
    let id = db.begin();
    db.call_in(id, Action::Script("COMMIT; BEGIN".into())).unwrap();
    // A transaction that SQL text began inside belongs to nobody; the token still means it.
    db.call_in(id, Action::Rollback).unwrap();
    assert!(!db.session.in_transaction());
}

#[test]
fn transactions_in_sql_text() {
    let db = fresh();
    table(&db);
    db.run("BEGIN").unwrap();
    assert!(db.session.in_transaction());
    db.run("INSERT INTO t VALUES (1, 1)").unwrap();
    db.run("SAVEPOINT s").unwrap();
    db.run("INSERT INTO t VALUES (2, 2)").unwrap();
    db.run("ROLLBACK TO s").unwrap();
    db.run("COMMIT").unwrap();
    assert_eq!(count(&db), int(1));
    assert_eq!(code(db.run("COMMIT")), ffi::SQLITE_ERROR);
    db.run("BEGIN").unwrap();
    assert_eq!(code(db.call(Action::Begin(Behavior::Deferred))), ffi::SQLITE_ERROR);
    db.run("ROLLBACK").unwrap();
}

#[test]
fn a_commit_that_fails_for_a_foreign_key_can_be_repaired() {
    let db = fresh();
    db.script(
        "CREATE TABLE p (a INTEGER PRIMARY KEY); \
               CREATE TABLE c (a REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
    )
    .unwrap();
    let id = db.begin();
    db.call_in(id, run("INSERT INTO c VALUES (1)")).unwrap();
    assert_eq!(code(db.call_in(id, Action::Commit)), ffi::SQLITE_CONSTRAINT_FOREIGNKEY);
    db.call_in(id, run("INSERT INTO p VALUES (1)")).unwrap();
    db.call_in(id, Action::Commit).unwrap();
    assert_eq!(db.one("SELECT count(*) FROM c"), int(1));
    let options = OpenOptions { foreign_keys: false, ..OpenOptions::default() };
    let db = try_open(&host(), "b", options).unwrap();
    assert_eq!(db.one("PRAGMA foreign_keys"), int(0));
}

#[test]
fn a_store_without_room_fails_the_commit_and_nothing_escapes() {
    let store = Arc::new(MemPageStore::new());
    let host = host_with(store.clone(), 2, 4, Arc::new(SystemClock));
    let db = open(&host, "a");
    table(&db);
    let full = StoreError::Limit { what: "bytes of a database", actual: 2, limit: 1 };
    // In an autocommit statement.
    store.fail_next_commit(full.clone());
    let error = db.run("INSERT INTO t VALUES (1, 1)").unwrap_err();
    assert!(matches!(&error, SessionError::Store(it) if *it == full), "{error:?}");
    assert_eq!(count(&db), int(0));
    // In a transaction.
    let id = db.begin();
    db.call_in(id, run("INSERT INTO t VALUES (1, 1)")).unwrap();
    store.fail_next_commit(full.clone());
    let error = db.call_in(id, Action::Commit).unwrap_err();
    assert!(matches!(&error, SessionError::Store(it) if *it == full), "{error:?}");
    over(db.call_in(id, run("INSERT INTO t VALUES (2, 2)")), "a statement in it ended it");
    assert_eq!(count(&db), int(0));
    db.run("INSERT INTO t VALUES (3, 3)").unwrap();
    assert_eq!(count(&db), int(1));
}

#[test]
fn a_fence_is_the_end() {
    let host = host();
    let db = open(&host, "a");
    table(&db);
    let other = open(&host, "a");
    for _ in 0..2 {
        let error = db.run("INSERT INTO t VALUES (1, 1)").unwrap_err();
        assert!(matches!(error, SessionError::Store(StoreError::Fenced { .. })), "{error:?}");
    }
    assert!(matches!(db.all("SELECT 1"), Err(SessionError::Store(StoreError::Fenced { .. }))));
    db.close().unwrap();
    assert!(matches!(db.all("SELECT 1"), Err(SessionError::Closed)));
    assert_eq!(count(&other), int(0));
    assert_eq!(db.session.metrics().vfs.commits_failed, 1);
}

#[test]
fn an_unknown_outcome_is_the_end() {
    let store = Arc::new(MemPageStore::new());
    let host = host_with(store.clone(), 2, 4, Arc::new(SystemClock));
    let db = open(&host, "a");
    table(&db);
    store.fail_next_commit(StoreError::UnknownCommit {
        actor: actor("a"),
        commit_id: Default::default(),
        reason: "test".into(),
    });
    for _ in 0..2 {
        let error = db.run("INSERT INTO t VALUES (1, 1)").unwrap_err();
        assert!(
            matches!(error, SessionError::Store(StoreError::UnknownCommit { .. })),
            "{error:?}"
        );
    }
}

#[test]
fn a_failed_read_is_the_stores_error_and_passes() {
    let store = Arc::new(MemPageStore::new());
    let host = host_with(store.clone(), 2, 4, Arc::new(SystemClock));
    let db = open(&host, "a");
    db.script("CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(2000000))").unwrap();
    db.close().unwrap();
    let db = open(&Host { cache: actor_sqlite_vfs::PageCache::new(0), ..host }, "a");
    store.fail_next_read(StoreError::Unavailable { reason: "test".into() });
    let error = db.all("SELECT sum(length(a)) FROM t").unwrap_err();
    assert!(matches!(error, SessionError::Store(StoreError::Unavailable { .. })), "{error:?}");
    assert_eq!(db.one("SELECT sum(length(a)) FROM t"), int(2_000_000));
}

#[test]
fn readonly_sessions() {
    let host = host();
    table(&open(&host, "a"));
    let options = OpenOptions { readonly: true, ..OpenOptions::default() };
    let db = try_open(&host, "a", options).unwrap();
    for sql in [
        "INSERT INTO t VALUES (1, 1)",
        "CREATE TABLE u (a)",
        "DROP TABLE t",
        "PRAGMA user_version = 5",
        "VACUUM",
        "REINDEX",
        "CREATE TEMP TABLE u (a)",
    ] {
        assert_eq!(code(db.run(sql)) & 0xff, ffi::SQLITE_READONLY, "{sql}");
    }
    assert_eq!(code(db.run("PRAGMA query_only = 0")), ffi::SQLITE_AUTH);
    assert_eq!(count(&db), int(0));
    assert_eq!(db.session.metrics().vfs.commits_batch, 0);
}

/// A database whose transactions have 20 ms of a time that the test moves.
fn timed() -> (Db, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let host = host_with(Arc::new(MemPageStore::new()), 2, 4, clock.clone());
    let options = OpenOptions { transaction_timeout_ms: Some(20), ..OpenOptions::default() };
    (try_open(&host, "a", options).unwrap(), clock)
}

const TIME_OVER: &str = "it was open for more than 20 ms and was rolled back";

#[test]
fn the_time_of_a_transaction_ends_without_a_command() {
    let (db, clock) = timed();
    table(&db);
    for round in 1..4 {
        let id = db.begin();
        db.call_in(id, run("INSERT INTO t VALUES (1, 1)")).unwrap();
        clock.advance_ms(19);
        db.call_in(id, run("INSERT INTO t VALUES (2, 2)")).unwrap();
        clock.advance_ms(1);
        while db.session.in_transaction() {
            std::thread::yield_now();
        }
        over(db.call_in(id, run("INSERT INTO t VALUES (3, 3)")), TIME_OVER);
        db.call_in(id, Action::Rollback).unwrap();
        assert_eq!(count(&db), int(0));
        assert_eq!(db.session.metrics().transactions.auto_rolled_back, round);
    }
}

#[test]
fn the_time_of_a_transaction_is_over_for_the_next_command() {
    let (db, clock) = timed();
    let id = db.begin();
    clock.advance_ms(20);
    over(db.call_in(id, run("SELECT 1")), TIME_OVER);
}

#[test]
fn the_time_of_a_transaction_ends_a_statement_in_it() {
    let (db, clock) = timed();
    let id = db.begin();
    let endless = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) \
                   SELECT count(*) FROM n";
    let command = db.command(execute(endless, Params::None, Want::All), Some(id));
    let answer = db.start_command(command);
    clock.advance_ms(20);
    let error = answer.recv().unwrap().unwrap_err();
    match error {
        SessionError::Timeout { timeout_ms } => assert_eq!(timeout_ms, 20),
        // The clock was faster than the executor.
        SessionError::TransactionOver { reason } => assert_eq!(reason, TIME_OVER),
        error => panic!("{error:?}"),
    }
    over(db.call_in(id, run("SELECT 1")), TIME_OVER);
}
