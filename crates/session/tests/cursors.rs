//! Results in chunks, with other commands between them.
#![allow(clippy::unwrap_used)]

mod common;

use actor_sqlite_session::*;
use common::*;
use rusqlite::ffi;

const NUMBERS: &str =
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 1000)";

fn chunk(db: &Db, sql: &str, rows_max: u32) -> Rows {
    rows_of(db.call(execute(sql, Params::None, Want::Chunk { rows_max })).unwrap())
}

fn fetch(db: &Db, cursor: CursorId, rows_max: u32) -> Result<Rows> {
    db.call(Action::Fetch { cursor, rows_max }).map(rows_of)
}

fn filled() -> Db {
    let db = fresh();
    db.run("CREATE TABLE t (i INTEGER PRIMARY KEY, v)").unwrap();
    db.run(&format!("INSERT INTO t {NUMBERS} SELECT i, 'v' || i FROM n")).unwrap();
    db
}

#[test]
fn every_chunk_size_gives_the_same_rows() {
    let db = filled();
    let all = db.all("SELECT * FROM t").unwrap();
    for rows_max in [1, 2, 3, 7, 333, 500, 999, 1000, 1001] {
        let mut rows = chunk(&db, "SELECT * FROM t", rows_max);
        let mut got = values(&rows);
        while let Some(cursor) = rows.more {
            assert_eq!(rows.row_count, rows_max as usize);
            rows = fetch(&db, cursor, rows_max).unwrap();
            assert!(rows.row_count > 0, "a chunk that promises more keeps its word");
            got.extend(values(&rows));
        }
        assert_eq!(got, all);
    }
}

#[test]
fn a_chunk_is_bounded_by_bytes() {
    let db = fresh();
    let sql = format!("{NUMBERS} SELECT zeroblob(100000) FROM n LIMIT 20");
    let rows = chunk(&db, &sql, 1000);
    assert_eq!(rows.row_count, 3);
    assert!(rows.more.is_some());
}

#[test]
fn writes_between_chunks_are_committed() {
    let host = host();
    let db = open(&host, "a");
    db.run("CREATE TABLE t (i INTEGER PRIMARY KEY, v)").unwrap();
    db.run(&format!("INSERT INTO t {NUMBERS} SELECT i, i FROM n")).unwrap();
    let mut rows = chunk(&db, "SELECT i FROM t ORDER BY i", 100);
    let mut seen = rows.row_count;
    let mut writes = 0;
    while let Some(cursor) = rows.more {
        let before = db.session.metrics().vfs.commits_batch;
        db.run("INSERT INTO t (v) VALUES ('new')").unwrap();
        db.run("UPDATE t SET v = v + 1 WHERE i % 10 = 0").unwrap();
        assert_eq!(
            db.session.metrics().vfs.commits_batch,
            before + 2,
            "an open result holds nothing back"
        );
        writes += 1;
        rows = fetch(&db, cursor, 100).unwrap();
        seen += rows.row_count;
    }
    assert!(writes >= 9 && seen >= 1000);
    assert_eq!(db.one("PRAGMA integrity_check"), text("ok"));
}

#[test]
fn a_write_with_rows_is_committed_before_its_first_chunk() {
    let db = filled();
    let before = db.session.metrics().vfs.commits_batch;
    let mut rows = chunk(&db, "UPDATE t SET v = 'x' RETURNING i", 300);
    assert_eq!(db.session.metrics().vfs.commits_batch, before + 1);
    let mut got = values(&rows);
    while let Some(cursor) = rows.more {
        db.run("INSERT INTO t (v) VALUES (1)").unwrap();
        rows = fetch(&db, cursor, 300).unwrap();
        got.extend(values(&rows));
    }
    let expected: Vec<Row> = (1..=1000).map(|i| vec![int(i)]).collect();
    assert_eq!(got, expected);
    assert_eq!(db.session.metrics().vfs.commits_batch, before + 4);
}

#[test]
fn ends() {
    let db = filled();
    let rows = chunk(&db, "SELECT * FROM t", 1);
    let cursor = rows.more.unwrap();
    assert_eq!(code(db.run("DROP TABLE t")), ffi::SQLITE_LOCKED);
    db.call(Action::CloseCursor(cursor)).unwrap();
    db.call(Action::CloseCursor(cursor)).unwrap();
    assert!(matches!(fetch(&db, cursor, 1), Err(SessionError::Usage { .. })));
    db.run("DROP TABLE t").unwrap();
    let last = chunk(&db, "SELECT 1", 5);
    assert_eq!((last.row_count, last.more), (1, None));
    // An open one does not keep the session from closing.
    chunk(&db, &format!("{NUMBERS} SELECT * FROM n"), 1).more.unwrap();
    db.close().unwrap();
}

#[test]
fn a_rollback_ends_a_cursor_with_an_error() {
    let db = filled();
    let id = db.begin();
    db.call_in(id, run("CREATE TABLE u (a)")).unwrap();
    let rows = chunk_in(&db, id, "SELECT * FROM t");
    db.call_in(id, Action::Rollback).unwrap();
    assert_eq!(code(fetch(&db, rows.more.unwrap(), 1)), ffi::SQLITE_ABORT_ROLLBACK);
    assert_eq!(db.one("SELECT count(*) FROM t"), int(1000));
}

fn chunk_in(db: &Db, id: TransactionId, sql: &str) -> Rows {
    rows_of(db.call_in(id, execute(sql, Params::None, Want::Chunk { rows_max: 1 })).unwrap())
}
