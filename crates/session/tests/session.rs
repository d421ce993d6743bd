//! Opening, running and closing, end to end.
#![allow(clippy::unwrap_used)]

mod common;

use actor_sqlite_session::*;
use common::*;

#[test]
fn open_write_read_close_reopen() {
    let host = host();
    let db = open(&host, "a");
    db.run("CREATE TABLE t (a INTEGER PRIMARY KEY, b)").unwrap();
    let changes = db.run_with("INSERT INTO t (b) VALUES (?), (?)", two(text("x"), int(7))).unwrap();
    assert_eq!(changes, Changes { changes: 2, last_insert_rowid: 2 });
    assert_eq!(db.all("SELECT b FROM t").unwrap(), [[text("x")], [int(7)]]);
    db.close().unwrap();
    assert!(matches!(db.run("SELECT 1"), Err(SessionError::Closed)));
    let metrics = db.session.metrics();
    assert_eq!(metrics.statements.insert_count, 1);
    assert_eq!(metrics.vfs.commits_batch + metrics.vfs.commits_sync, 2);
    let db = open(&host, "a");
    assert_eq!(db.one("SELECT count(*) FROM t"), int(2));
}

fn two(a: Value, b: Value) -> Params {
    Params::Positional(vec![a, b])
}

#[test]
fn what_does_not_exist_is_made_only_on_demand() {
    let host = host();
    let options = OpenOptions { create: false, ..OpenOptions::default() };
    let error = try_open(&host, "a", options.clone()).err().unwrap();
    assert!(matches!(
        error,
        SessionError::Store(actor_sqlite_pagestore::StoreError::NotFound { .. })
    ));
    open(&host, "a").run("CREATE TABLE t (a)").unwrap();
    try_open(&host, "a", options).unwrap();
}

#[test]
fn a_dropped_session_gives_its_lease_back_behind_its_queue() {
    let store = std::sync::Arc::new(actor_sqlite_pagestore::MemPageStore::new());
    let host = host_with(store.clone(), 2, 4, std::sync::Arc::new(SystemClock));
    let db = open(&host, "a");
    let answers: Vec<_> =
        (0..50).map(|i| db.start(run(&format!("CREATE TABLE t{i} (a)")))).collect();
    drop(db);
    for answer in answers {
        answer.recv().unwrap().unwrap();
    }
    host.executor.shutdown();
    assert_eq!(store.counts().releases, 1);
    assert_eq!(host.executor.metrics().threads, 0);
}

#[test]
fn page_sizes() {
    for bytes in [512, 1024, 4096, 8192, 65536] {
        let host = host();
        let page_size = actor_sqlite_ltx::PageSize::new(bytes).unwrap();
        let db = try_open(&host, "a", OpenOptions { page_size, ..OpenOptions::default() }).unwrap();
        db.script("CREATE TABLE t (a); INSERT INTO t VALUES (randomblob(100000))").unwrap();
        assert_eq!(db.one("PRAGMA page_size"), int(bytes.into()));
        assert_eq!(db.one("PRAGMA integrity_check"), text("ok"));
        db.close().unwrap();
        assert_eq!(open(&host, "a").one("SELECT length(a) FROM t"), int(100_000));
    }
}
