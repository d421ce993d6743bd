//! Virtual tables forget what SQLite rolled back under them, in the middle of their work.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use actor_sqlite_pagestore::{MemPageStore, StoreError};
use actor_sqlite_session::*;
use actor_sqlite_vfs::PageCache;
use common::*;
use rusqlite::ffi;

const INSERT: &str = "INSERT INTO notes VALUES ('one more note')";

/// Checks the index against the rows, and the totals that FTS5 has stored.
fn check(db: &Db, context: &str) {
    db.run("INSERT INTO notes(notes) VALUES ('integrity-check')")
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(db.one("PRAGMA integrity_check"), text("ok"), "{context}");
}

/// A store, and a handle on a full text index whose own pages have not been read yet.
fn cold() -> (Arc<MemPageStore>, Db) {
    let store = Arc::new(MemPageStore::new());
    let host = host_with(store.clone(), 2, 4, Arc::new(SystemClock));
    let db = open(&host, "a");
    db.script(
        "CREATE TABLE numbers (n); INSERT INTO numbers VALUES (1), (2), (3); \
         CREATE VIRTUAL TABLE notes USING fts5(body); \
         INSERT INTO notes VALUES ('a first note'), ('a second note')",
    )
    .unwrap();
    db.close().unwrap();
    let db = open(&Host { cache: PageCache::new(0), ..host }, "a");
    // The totals are in `notes_data`, the one table that is left out.
    db.script(
        "CREATE TEMP TABLE mine AS SELECT n FROM numbers; SELECT * FROM notes_content; \
         SELECT * FROM notes_config; SELECT * FROM notes_docsize; SELECT * FROM notes_idx; \
         EXPLAIN INSERT INTO notes VALUES ('')",
    )
    .unwrap();
    (store, db)
}

fn unavailable() -> StoreError {
    StoreError::Unavailable { reason: "test".into() }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>) {
    let unavailable = matches!(result, Err(SessionError::Store(StoreError::Unavailable { .. })));
    assert!(unavailable, "{result:?}");
}

#[test]
fn a_failed_read() {
    let (store, db) = cold();
    store.fail_next_read(unavailable());
    refused(db.run(INSERT));
    db.run(INSERT).unwrap();
    check(&db, "by itself");
    assert_eq!(db.one("SELECT count(*) FROM mine"), int(3), "temporary tables stay");
}

#[test]
fn a_failed_read_in_a_transaction() {
    let (store, db) = cold();
    let id = db.begin();
    db.call_in(id, run("INSERT INTO numbers VALUES (4)")).unwrap();
    store.fail_next_read(unavailable());
    refused(db.call_in(id, run(INSERT)));
    assert!(!db.session.in_transaction());
    let entry = BatchEntry { sql: INSERT.into(), rows: vec![Params::None; 2] };
    db.call(Action::Batch { entries: vec![entry], behavior: Behavior::Deferred }).unwrap();
    check(&db, "in a transaction");
}

#[test]
fn prepared_statements_and_results_go_on() {
    let (store, db) = cold();
    let prepared = match db.call(Action::Prepare(INSERT.into())).unwrap() {
        Answer::Prepared(info) => Source::Prepared(info.id),
        answer => panic!("{answer:?}"),
    };
    let insert =
        || Action::Execute { source: prepared.clone(), params: Params::None, want: Want::Run };
    let chunk = |sql| execute(sql, Params::None, Want::Chunk { rows_max: 1 });
    let fetch = |cursor| db.call(Action::Fetch { cursor, rows_max: 1 });
    let cursor = rows_of(db.call(chunk("SELECT n FROM mine")).unwrap()).more.unwrap();
    store.fail_next_read(unavailable());
    refused(db.call(insert()));
    // What only reads leaves the result alone.
    assert_eq!(db.one("SELECT count(*) FROM numbers"), int(3));
    assert_eq!(values(&rows_of(fetch(cursor).unwrap())), [[int(2)]]);
    db.call(insert()).unwrap();
    assert_eq!(code(fetch(cursor)), ffi::SQLITE_ABORT_ROLLBACK);
    assert!(matches!(fetch(cursor), Err(SessionError::Usage { .. })), "it is closed");
    let cursor = rows_of(db.call(chunk("SELECT n FROM mine")).unwrap()).more.unwrap();
    db.call(insert()).unwrap();
    assert_eq!(values(&rows_of(fetch(cursor).unwrap())), [[int(2)]]);
    check(&db, "prepared");
    assert_eq!(code(db.run("PRAGMA writable_schema=RESET")), ffi::SQLITE_AUTH);
}

/// Time that is over after it was asked for so often.
struct Countdown(AtomicI64);

impl Clock for Countdown {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000
    }

    fn monotonic_ns(&self) -> u64 {
        match self.0.fetch_sub(1, Ordering::SeqCst) {
            1.. => 1,
            _ => 1 << 40,
        }
    }
}

fn counting_down() -> (Arc<Countdown>, Db) {
    let clock = Arc::new(Countdown(AtomicI64::new(i64::MAX)));
    let still = host_with(Arc::new(MemPageStore::new()), 2, 4, Arc::new(ManualClock::default()));
    let db = open(&Host { clock: clock.clone(), ..still }, "a");
    (clock, db)
}

/// A result ends with the write that makes virtual tables forget, which shows whether they were.
#[test]
fn what_makes_them_forget() {
    let (clock, db) = counting_down();
    db.script("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (-1), (-2), (-3)").unwrap();
    let endless = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n)";
    let write = format!("INSERT INTO t {endless} SELECT i FROM n");
    let read = format!("{endless} SELECT count(*) FROM n");
    let constraint = "INSERT INTO t VALUES (-1)";
    let rollback = "INSERT OR ROLLBACK INTO t VALUES (-1)";
    let cases = [
        (write.as_str(), false, true),
        (&write, true, true),
        (&read, false, false),
        (&read, true, false),
        (constraint, false, false),
        (constraint, true, false),
        (rollback, true, true),
    ];
    for (next, (sql, in_transaction, forgets)) in (0..).zip(cases) {
        let cursor = execute("SELECT a FROM t", Params::None, Want::Chunk { rows_max: 1 });
        let cursor = rows_of(db.call(cursor).unwrap()).more.unwrap();
        let id = in_transaction.then(|| db.begin());
        clock.0.store(10, Ordering::SeqCst);
        let want = if sql == read { Want::All } else { Want::Run };
        let action = execute(sql, Params::None, want);
        let command = Command { timeout_ms: Some(1), ..db.command(action, id) };
        db.start_command(command).recv().unwrap().unwrap_err();
        clock.0.store(i64::MAX, Ordering::SeqCst);
        if let Some(id) = id {
            db.call_in(id, Action::Rollback).unwrap();
        }
        db.run_with("INSERT INTO t VALUES (?)", Params::Positional(vec![int(next)])).unwrap();
        let fetched = db.call(Action::Fetch { cursor, rows_max: 1 });
        match forgets {
            true => assert_eq!(code(fetched), ffi::SQLITE_ABORT_ROLLBACK, "{sql}"),
            false => assert_eq!(rows_of(fetched.unwrap()).row_count, 1, "{sql}"),
        }
        db.call(Action::CloseCursor(cursor)).unwrap();
    }
}

/// Stops an insert wherever SQLite looks at the clock. `in_transaction` tells whose.
fn stop_everywhere(in_transaction: bool) {
    let (clock, db) = counting_down();
    // A small hash, so that rows are written while others come.
    let small = "INSERT INTO notes(notes, rank) VALUES ('hashsize', 2000)";
    db.script(&format!("CREATE VIRTUAL TABLE notes USING fts5(body); {small}")).unwrap();
    let sql = "INSERT INTO notes WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL \
               SELECT i + 1 FROM n LIMIT 400) SELECT i || ' note ' || (i % 7) FROM n";
    let mut stopped = 0;
    for asked in 1.. {
        let id = in_transaction.then(|| db.begin());
        let command = Command { timeout_ms: Some(1), ..db.command(run(sql), id) };
        clock.0.store(asked, Ordering::SeqCst);
        let result = db.start_command(command).recv().unwrap();
        clock.0.store(i64::MAX, Ordering::SeqCst);
        match (&result, id) {
            (Ok(_), _) => break,
            (Err(SessionError::Timeout { .. }), Some(id)) => {
                stopped += 1;
                db.call_in(id, Action::Rollback).unwrap();
            }
            (Err(SessionError::Timeout { .. }), None) => stopped += 1,
            other => panic!("{other:?}"),
        }
        db.run(INSERT).unwrap();
        check(&db, &format!("stopped when the clock was asked {asked} times"));
    }
    assert!(stopped > 20, "{stopped}");
}

#[test]
fn an_insert_that_is_stopped() {
    stop_everywhere(false);
}

#[test]
fn an_insert_that_is_stopped_in_a_transaction() {
    stop_everywhere(true);
}
