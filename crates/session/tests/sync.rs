//! Sessions on their caller's thread.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/gate_store.rs"]
mod gate_store;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use actor_sqlite_pagestore::StoreError;
use actor_sqlite_session::*;
use common::{SystemClock, actor, host, host_with, open};
use gate_store::GateStore;

/// Rows as text, for comparing.
#[derive(Default)]
struct Lines {
    rows: Vec<String>,
    rows_max: usize,
    panic: bool,
}

impl RowSink for Lines {
    fn shape(&mut self, shape: &Arc<Shape>) {
        assert!(!shape.columns.is_empty());
    }

    fn row(&mut self, row: &RowRef<'_>) -> bool {
        assert!(!self.panic, "on purpose");
        self.rows.push(format!("{:?}", row.values()));
        self.rows.len() != self.rows_max
    }
}

fn fresh() -> SyncSession {
    SyncSession::open(&host(), actor("a"), OpenOptions::default()).unwrap()
}

fn prepare(db: &mut SyncSession, sql: &str) -> u64 {
    match db.prepare(sql).unwrap() {
        SyncPrepared::One(statement) => statement.id,
        other => panic!("{sql}: {other:?}"),
    }
}

fn lines(db: &mut SyncSession, sql: &str) -> Vec<String> {
    let id = prepare(db, sql);
    let mut lines = Lines::default();
    db.rows(id, Some(Params::None), &mut lines).unwrap();
    lines.rows
}

#[test]
fn statements_run_with_values_of_a_run_or_bound_for_good() {
    let mut db = fresh();
    db.exec("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    let insert = prepare(&mut db, "INSERT INTO t VALUES (?)");
    let value = |value| Params::Positional(vec![Value::Integer(value)]);
    for round in 2..5 {
        let changes = db.run(insert, Some(value(round))).unwrap();
        assert_eq!(changes, Changes { changes: 1, last_insert_rowid: round });
    }
    assert!(matches!(db.run(insert, Some(Params::None)), Err(SessionError::Parameters { .. })));
    db.bind(insert, value(9)).unwrap();
    db.run(insert, None).unwrap();
    db.run(insert, None).unwrap();
    let all = ["[Integer(1)]", "[Integer(2)]", "[Integer(3)]", "[Integer(4)]"];
    let expected: Vec<&str> = all.into_iter().chain(["[Integer(9)]"; 2]).collect();
    assert_eq!(lines(&mut db, "SELECT x FROM t"), expected);
    db.finalize(insert);
    assert!(matches!(db.run(insert, None), Err(SessionError::Usage { .. })));
}

#[test]
fn a_statement_that_writes_ends_whatever_its_reader_takes() {
    let mut db = fresh();
    db.exec("CREATE TABLE t (x)").unwrap();
    let insert = prepare(&mut db, "INSERT INTO t VALUES (1), (2), (3) RETURNING x");
    let mut first = Lines { rows_max: 1, ..Lines::default() };
    db.rows(insert, Some(Params::None), &mut first).unwrap();
    assert_eq!(first.rows, ["[Integer(1)]"]);
    assert!(!db.in_transaction());
    assert_eq!(lines(&mut db, "SELECT count(*) FROM t"), ["[Integer(3)]"]);
    db.open_rows(insert, Some(Params::None)).unwrap();
    assert!(db.next_row(insert, &mut first).unwrap());
    db.close_rows(insert).unwrap();
    assert_eq!(lines(&mut db, "SELECT count(*) FROM t"), ["[Integer(6)]"]);
}

#[test]
fn a_strict_call_returns_when_its_commit_is_durable() {
    let store = GateStore::new();
    let host = host_with(store.clone(), 1, 2, Arc::new(SystemClock));
    let caller = thread::spawn(move || {
        let mut db = SyncSession::open(&host, actor("a"), OpenOptions::default()).unwrap();
        db.exec("CREATE TABLE t (x)").unwrap();
        let rows = lines(&mut db, "SELECT count(*) FROM t");
        db.close().unwrap();
        rows
    });
    // It stands in a sync, and not past it.
    while store.waiting.load(Ordering::SeqCst) == 0 {
        thread::yield_now();
    }
    assert!(!caller.is_finished());
    while !caller.is_finished() {
        store.sync();
        thread::yield_now();
    }
    assert_eq!(caller.join().unwrap(), ["[Integer(0)]"]);
}

#[test]
fn a_gated_call_returns_at_once_and_a_failed_sync_ends_the_session() {
    let store = GateStore::new();
    let host = host_with(store.clone(), 1, 2, Arc::new(SystemClock));
    let options = OpenOptions { durability: Durability::Gated, ..OpenOptions::default() };
    let mut db = SyncSession::open(&host, actor("a"), options).unwrap();
    db.exec("CREATE TABLE t (x)").unwrap();
    assert_eq!(store.waiting.load(Ordering::SeqCst), 0);
    assert!(store.callbacks.load(Ordering::SeqCst) > 0);
    store.sync();
    db.wait_durable().unwrap();
    db.exec("INSERT INTO t VALUES (1)").unwrap();
    store.fail();
    for _ in 0..2 {
        let error = db.exec("INSERT INTO t VALUES (1)").unwrap_err();
        assert!(matches!(error, SessionError::Store(StoreError::Dead { .. })), "{error}");
    }
}

#[test]
fn a_panic_ends_the_session_and_no_other() {
    let host = host();
    let mut db = SyncSession::open(&host, actor("a"), OpenOptions::default()).unwrap();
    let id = prepare(&mut db, "SELECT 1");
    let mut sink = Lines { panic: true, ..Lines::default() };
    let panicked = db.rows(id, Some(Params::None), &mut sink);
    assert!(matches!(panicked, Err(SessionError::Panicked { .. })));
    assert!(matches!(db.exec("SELECT 1"), Err(SessionError::Panicked { .. })));
    db.close().unwrap();
    assert!(matches!(db.exec("SELECT 1"), Err(SessionError::Panicked { .. })));
    SyncSession::open(&host, actor("a"), OpenOptions::default()).unwrap().exec("SELECT 1").unwrap();
}

#[test]
fn another_owner_fences_it_and_it_fences_another() {
    let host = host();
    let first = open(&host, "a");
    first.run("CREATE TABLE t (x)").unwrap();
    let mut db = SyncSession::open(&host, actor("a"), OpenOptions::default()).unwrap();
    db.exec("INSERT INTO t VALUES (1)").unwrap();
    assert!(matches!(first.run("INSERT INTO t VALUES (2)"), Err(SessionError::Store(_))));
    let third = open(&host, "a");
    let fenced = db.exec("INSERT INTO t VALUES (3)").unwrap_err();
    assert!(matches!(fenced, SessionError::Store(StoreError::Fenced { .. })), "{fenced}");
    third.run("INSERT INTO t VALUES (4)").unwrap();
    assert_eq!(host.executor.sleep_metrics().awake, 2);
    db.close().unwrap();
    assert_eq!(host.executor.sleep_metrics().awake, 1);
}

#[test]
fn what_a_session_did_is_counted() {
    let mut db = fresh();
    db.exec("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    lines(&mut db, "SELECT * FROM t");
    db.prepare("SELECT * FROM nobody").unwrap_err();
    let sight = Arc::clone(db.sight());
    db.close().unwrap();
    let metrics = sight.metrics();
    assert_eq!((metrics.statements.select_count, metrics.statements.insert_count), (1, 1));
    assert_eq!((metrics.errors, metrics.vfs.commit_phases.commit_count), (1, 2));
    assert!(metrics.statements.duration_ns > 0);
}

/// Adds one to an integer; fails for text, panics for NULL.
struct Increment;

impl SqlFunction for Increment {
    fn call(&self, op: FunctionOp, _: u64, arguments: &[ValueRef<'_>]) -> Option<Value> {
        assert_eq!(op, FunctionOp::Call);
        match arguments {
            [ValueRef::Integer(value)] => Some(Value::Integer(value + 1)),
            [ValueRef::Text(_)] => None,
            other => panic!("{other:?}, on purpose"),
        }
    }
}

#[test]
fn a_function_that_fails_or_panics_fails_its_statement_alone() {
    let mut db = fresh();
    let options =
        FunctionOptions { name: "inc".into(), arguments: Some(1), ..FunctionOptions::default() };
    db.register(&options, Box::new(Increment)).unwrap();
    db.exec("CREATE TABLE t (x); CREATE VIEW v AS SELECT inc(x) AS y FROM t").unwrap();
    db.exec("INSERT INTO t VALUES (inc(1))").unwrap();
    for wrong in ["'a'", "NULL"] {
        let failed = db.exec(&format!("INSERT INTO t VALUES (7), (inc({wrong}))"));
        assert!(matches!(failed, Err(SessionError::Sqlite { code: 1, .. })), "{failed:?}");
    }
    assert_eq!(lines(&mut db, "SELECT y FROM v"), ["[Integer(3)]"]);
    assert!(db.serialize("main").unwrap().starts_with(b"SQLite format 3\0"));
    assert!(db.serialize("a\0b").is_err());
}
