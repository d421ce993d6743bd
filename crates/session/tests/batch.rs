//! Batches: one transaction, whole or not at all.
#![allow(clippy::unwrap_used)]

mod common;

use actor_sqlite_session::*;
use common::*;
use rusqlite::ffi;

fn entry(sql: &str, rows: &[&[i64]]) -> BatchEntry {
    let params = |row: &&[i64]| Params::Positional(row.iter().copied().map(int).collect());
    BatchEntry { sql: sql.into(), rows: rows.iter().map(params).collect() }
}

fn batch(entries: Vec<BatchEntry>) -> Action {
    Action::Batch { entries, behavior: Behavior::Immediate }
}

fn results(answer: Answer) -> Vec<BatchResult> {
    match answer {
        Answer::Batch(results) => results,
        answer => panic!("{answer:?}"),
    }
}

fn filled() -> Db {
    let db = fresh();
    db.run("CREATE TABLE t (a INTEGER PRIMARY KEY, b UNIQUE)").unwrap();
    db
}

#[test]
fn all_in_one_commit() {
    let db = filled();
    let before = db.session.metrics().vfs.commits_batch;
    let results = results(
        db.call(batch(vec![
            entry("INSERT INTO t (b) VALUES (?)", &[&[10], &[20], &[30]]),
            entry("UPDATE t SET b = b + 1 WHERE b > ?", &[&[10]]),
            entry("SELECT b FROM t", &[]),
            entry("INSERT INTO t (b) VALUES (?) RETURNING a, b", &[&[40], &[50]]),
        ]))
        .unwrap(),
    );
    assert_eq!(results[0].changes, Changes { changes: 3, last_insert_rowid: 3 });
    assert_eq!(results[1].changes.changes, 2);
    assert_eq!(results[2].changes.changes, 0);
    assert_eq!(values(results[2].rows.as_ref().unwrap()), [[int(10)], [int(21)], [int(31)]]);
    assert_eq!(results[3].changes, Changes { changes: 2, last_insert_rowid: 5 });
    assert_eq!(values(results[3].rows.as_ref().unwrap()), [[int(5), int(50)]]);
    assert_eq!(db.session.metrics().vfs.commits_batch, before + 1);
    assert_eq!(db.session.metrics().transactions.committed, 1);
}

#[test]
fn nothing_stays_of_a_failed_one() {
    let db = filled();
    let error = db
        .call(batch(vec![
            entry("CREATE TABLE u (a)", &[]),
            entry("INSERT INTO t (b) VALUES (?)", &[&[1], &[2], &[1]]),
            entry("DROP TABLE t", &[]),
        ]))
        .unwrap_err();
    let SessionError::Sqlite { code, statement_index, .. } = error else { panic!("{error:?}") };
    assert_eq!((code, statement_index), (ffi::SQLITE_CONSTRAINT_UNIQUE, Some(1)));
    assert_eq!(db.one("SELECT count(*) FROM sqlite_schema WHERE name = 'u'"), int(0));
    assert_eq!(db.one("SELECT count(*) FROM t"), int(0));
    assert!(!db.session.in_transaction());
    // An error that makes SQLite roll back by itself.
    let error = db
        .call(batch(vec![
            entry("INSERT INTO t (b) VALUES (1)", &[]),
            entry("INSERT OR ROLLBACK INTO t (b) VALUES (1)", &[]),
        ]))
        .unwrap_err();
    assert!(matches!(error, SessionError::Sqlite { statement_index: Some(1), .. }));
    assert_eq!(db.one("SELECT count(*) FROM t"), int(0));
    // A failing COMMIT.
    db.run("CREATE TABLE c (a REFERENCES t DEFERRABLE INITIALLY DEFERRED)").unwrap();
    let error = db.call(batch(vec![entry("INSERT INTO c VALUES (?)", &[&[7]])]));
    assert_eq!(self::code(error), ffi::SQLITE_CONSTRAINT_FOREIGNKEY);
    assert!(!db.session.in_transaction());
    assert_eq!(db.one("SELECT count(*) FROM c"), int(0));
}

#[test]
fn in_a_transaction_it_is_a_savepoint() {
    let db = filled();
    let id = db.begin();
    db.call_in(id, batch(vec![entry("INSERT INTO t (b) VALUES (?)", &[&[1]])])).unwrap();
    db.call_in(id, Action::Begin(Behavior::Deferred)).unwrap();
    let failing = batch(vec![entry("INSERT INTO t (b) VALUES (?)", &[&[2], &[1]])]);
    assert_eq!(code(db.call_in(id, failing)), ffi::SQLITE_CONSTRAINT_UNIQUE);
    db.call_in(id, batch(vec![entry("INSERT INTO t (b) VALUES (?)", &[&[3]])])).unwrap();
    db.call_in(id, Action::Commit).unwrap();
    db.call_in(id, Action::Commit).unwrap();
    assert_eq!(db.all("SELECT b FROM t").unwrap(), [[int(1)], [int(3)]]);
    // In one that SQL text began as well.
    db.run("BEGIN").unwrap();
    let failing = batch(vec![entry("INSERT INTO t (b) VALUES (?)", &[&[4], &[1]])]);
    assert_eq!(code(db.call(failing)), ffi::SQLITE_CONSTRAINT_UNIQUE);
    db.call(batch(vec![entry("INSERT INTO t (b) VALUES (?)", &[&[5]])])).unwrap();
    db.run("COMMIT").unwrap();
    assert_eq!(db.one("SELECT count(*) FROM t"), int(3));
}

#[test]
fn what_a_batch_refuses() {
    let db = filled();
    for sql in ["COMMIT", "BEGIN", "ROLLBACK", "END"] {
        let error =
            db.call(batch(vec![entry("INSERT INTO t (b) VALUES (1)", &[]), entry(sql, &[])]));
        assert!(matches!(error, Err(SessionError::Usage { .. })), "{sql}: {error:?}");
        assert_eq!(db.one("SELECT count(*) FROM t"), int(0), "{sql}");
    }
    let error = db.call(batch(vec![entry("INSERT INTO t (b) VALUES (?)", &[&[1], &[1, 2]])]));
    assert!(matches!(error, Err(SessionError::Parameters { .. })), "{error:?}");
    assert!(results(db.call(batch(vec![])).unwrap()).is_empty());
    assert_eq!(db.one("SELECT count(*) FROM t"), int(0));
}

#[test]
fn ten_thousand_rows() {
    let db = filled();
    let rows = (0..10_000).map(|i| Params::Positional(vec![int(i)])).collect();
    let entry = BatchEntry { sql: "INSERT INTO t (b) VALUES (?)".into(), rows };
    let results = results(db.call(batch(vec![entry])).unwrap());
    assert_eq!(results[0].changes, Changes { changes: 10_000, last_insert_rowid: 10_000 });
    assert_eq!(db.session.metrics().statements.prepared, 4);
}
