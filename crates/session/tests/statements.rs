//! Compiling, caching and the shape of statements.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use actor_sqlite_session::*;
use common::*;
use rusqlite::ffi;

fn shape(db: &Db, sql: &str) -> Arc<Shape> {
    rows_of(db.call(execute(sql, Params::None, Want::All)).unwrap()).shape
}

fn prepare(db: &Db, sql: &str) -> StatementInfo {
    match db.call(Action::Prepare(sql.into())).unwrap() {
        Answer::Prepared(info) => info,
        answer => panic!("{answer:?}"),
    }
}

fn run_prepared(db: &Db, id: StatementId, want: Want) -> Result<Answer> {
    db.call(Action::Execute { source: Source::Prepared(id), params: Params::None, want })
}

#[track_caller]
fn usage(result: Result<Vec<Row>>, reason: &str) {
    match result {
        Err(SessionError::Usage { reason: got }) => assert_eq!(got, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn exactly_one_statement() {
    let db = fresh();
    for sql in [
        "SELECT 1",
        "SELECT 1;",
        ";; SELECT 1 ;; \n;",
        "SELECT 1; -- and that was it",
        "/* first */ SELECT 1 /* last",
        "SELECT 1;/* a */;-- b\n;",
        "\u{feff}SELECT 1",
    ] {
        assert_eq!(db.one(sql), int(1), "{sql}");
    }
    for sql in ["SELECT 1; SELECT 2", "SELECT 1;; -- x\n x", "SELECT 1; syntax error here"] {
        usage(db.all(sql), "there is more than one SQL statement");
    }
    for sql in ["", "  \n", ";", "-- nothing", "/* nothing */ ;;"] {
        usage(db.all(sql), "there is no SQL statement");
    }
    usage(db.all("SELECT 1\0; DROP TABLE t"), "the SQL text holds a NUL character");
}

#[test]
fn errors_point_at_the_text() {
    let db = fresh();
    let error = db.all(";; SELECT no_such_column").unwrap_err();
    let SessionError::Sqlite { code, message, offset, statement_index } = error else { panic!() };
    assert_eq!(code, ffi::SQLITE_ERROR);
    assert_eq!(message, "no such column: no_such_column");
    assert_eq!(offset, Some(";; SELECT ".len()));
    assert_eq!(statement_index, None);
    let error = db.script("SELECT 1; SELECT 2; SELECT 3 +").unwrap_err();
    let SessionError::Sqlite { statement_index, message, .. } = error else { panic!() };
    assert_eq!((statement_index, &*message), (Some(2), "incomplete input"));
}

#[test]
fn the_cache_finds_what_it_has_and_forgets_the_oldest() {
    let host = host();
    let options = OpenOptions { statement_cache_size: 3, ..OpenOptions::default() };
    let db = try_open(&host, "a", options).unwrap();
    for sql in ["SELECT 1", "SELECT 2", "SELECT 3", "SELECT 1", "SELECT 4", "SELECT 1", "SELECT 2"]
    {
        db.all(sql).unwrap();
    }
    let StatementMetrics { prepared, cache_hits, cache_misses, select_count, .. } =
        db.session.metrics().statements;
    assert_eq!((prepared, cache_hits, cache_misses, select_count), (5, 2, 5, 7));
}

#[test]
fn no_cache_at_all() {
    let options = OpenOptions { statement_cache_size: 0, ..OpenOptions::default() };
    let db = try_open(&host(), "a", options).unwrap();
    for _ in 0..3 {
        assert_eq!(db.one("SELECT 1"), int(1));
    }
    assert_eq!(db.session.metrics().statements.cache_hits, 0);
}

#[test]
fn a_schema_change_changes_the_shape() {
    let db = fresh();
    db.script("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
    let sql = "SELECT * FROM t";
    let first = shape(&db, sql);
    assert_eq!(shape(&db, sql).id, first.id);
    db.run("CREATE INDEX i ON t (a)").unwrap();
    assert_eq!(shape(&db, sql).id, first.id, "the columns are the same");
    db.run("ALTER TABLE t ADD COLUMN b DEFAULT 'x'").unwrap();
    assert_eq!(db.all(sql).unwrap(), [[int(1), text("x")]]);
    let second = shape(&db, sql);
    assert_ne!(second.id, first.id);
    assert_eq!(second.columns.len(), 2);
    db.run("ALTER TABLE t RENAME COLUMN b TO c").unwrap();
    let third = shape(&db, sql);
    assert_eq!((third.id != second.id, &*third.columns[1].name), (true, "c"));
    db.run("DROP TABLE t").unwrap();
    assert_eq!(code(db.all(sql)), ffi::SQLITE_ERROR);
}

#[test]
fn prepared_statements() {
    let db = fresh();
    db.script("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2), (3)").unwrap();
    let info = prepare(&db, "SELECT a AS x FROM t WHERE a > :low AND a < ?3");
    assert_eq!(info.parameters, [Some(":low".into()), None, Some("?3".into())]);
    assert_eq!((info.reader, info.readonly, &*info.columns[0].name), (true, true, "x"));
    let insert = prepare(&db, "INSERT INTO t VALUES (9)");
    assert_eq!((insert.reader, insert.readonly, insert.columns.len()), (false, false, 0));
    let info = prepare(&db, "SELECT a FROM t");
    let chunk = Want::Chunk { rows_max: 1 };
    let one = rows_of(run_prepared(&db, info.id, chunk).unwrap());
    let two = rows_of(run_prepared(&db, info.id, chunk).unwrap());
    assert_eq!((values(&one), values(&two)), (vec![vec![int(1)]], vec![vec![int(1)]]));
    db.call(Action::Finalize(info.id)).unwrap();
    let more = rows_of(db.call(Action::Fetch { cursor: one.more.unwrap(), rows_max: 9 }).unwrap());
    assert_eq!(values(&more), [[int(2)], [int(3)]]);
    let gone = run_prepared(&db, info.id, Want::All);
    assert!(matches!(gone, Err(SessionError::Usage { .. })));
    assert!(matches!(db.call(Action::Finalize(info.id)), Err(SessionError::Usage { .. })));
}

#[test]
fn wants() {
    let db = fresh();
    db.script("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)").unwrap();
    let first =
        |sql: &str| values(&rows_of(db.call(execute(sql, Params::None, Want::First)).unwrap()));
    assert_eq!(first("SELECT a FROM t"), [[int(1)]]);
    assert!(first("SELECT a FROM t WHERE a > 5").is_empty());
    assert_eq!(first("INSERT INTO t VALUES (3), (4) RETURNING a"), [[int(3)]]);
    assert_eq!(db.one("SELECT count(*) FROM t"), int(4), "a write runs to its end");
    usage(db.run("SELECT 1").map(|_| vec![]), "the statement returns rows, and none are wanted");
    assert_eq!(db.run("INSERT INTO t VALUES (5) RETURNING a").unwrap().changes, 1);
    for want in [Want::All, Want::First, Want::Chunk { rows_max: 1 }] {
        let refused = db.call(execute("INSERT INTO t VALUES (6)", Params::None, want));
        usage(refused.map(|_| vec![]), NO_ROWS);
    }
    assert_eq!(db.one("SELECT count(*) FROM t"), int(5), "a refused statement does not run");
}

#[test]
fn changes_are_those_of_the_statement() {
    let db = fresh();
    db.script("CREATE TABLE t (a); CREATE TABLE log (a); INSERT INTO t VALUES (1), (2), (3)")
        .unwrap();
    let changes = |sql: &str| db.run(sql).unwrap().changes;
    assert_eq!(changes("UPDATE t SET a = a + 1"), 3);
    for sql in ["CREATE TABLE u (a)", "CREATE INDEX i ON t (a)", "BEGIN", "COMMIT", "ANALYZE"] {
        assert_eq!(changes(sql), 0, "{sql}");
    }
    assert_eq!(changes("UPDATE t SET a = 0 WHERE a > 100"), 0);
    assert_eq!(
        changes("CREATE TRIGGER g AFTER DELETE ON t BEGIN INSERT INTO log VALUES (1); END"),
        0
    );
    assert_eq!(changes("DELETE FROM t WHERE a = 2"), 1, "what a trigger changes does not count");
    assert_eq!(changes("INSERT OR IGNORE INTO t VALUES (7), (8)"), 2);
    assert_eq!(changes("CREATE TABLE v AS SELECT * FROM t"), 0);
    assert_eq!(changes("DROP TABLE v"), 0);
    assert_eq!(changes("DELETE FROM log"), 1);
    db.script(
        "CREATE VIEW w AS SELECT a FROM t; \
               CREATE TRIGGER x INSTEAD OF INSERT ON w BEGIN INSERT INTO t VALUES (new.a); END",
    )
    .unwrap();
    assert_eq!(changes("INSERT INTO w VALUES (1)"), 0);
}

#[test]
fn scripts() {
    let db = fresh();
    db.script("").unwrap();
    db.script("-- nothing\n;;").unwrap();
    db.script(
        "CREATE TABLE t (a); INSERT INTO t VALUES (1); SELECT * FROM t; BEGIN; \
               INSERT INTO t VALUES (2); COMMIT; -- done",
    )
    .unwrap();
    assert_eq!(db.one("SELECT count(*) FROM t"), int(2));
    assert!(matches!(db.script("SELECT ?"), Err(SessionError::Parameters { .. })));
    assert!(db.script("INSERT INTO t VALUES (3); INSERT INTO nowhere VALUES (1)").is_err());
    assert_eq!(db.one("SELECT count(*) FROM t"), int(3), "a script is no transaction");
}

#[test]
fn kinds_are_counted() {
    let db = fresh();
    db.script(
        "CREATE TABLE t (a); WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x; \
               REPLACE INTO t VALUES (2); UPDATE t SET a = 3; DELETE FROM t; VALUES (1); \
               EXPLAIN DELETE FROM t",
    )
    .unwrap();
    let StatementMetrics {
        select_count,
        insert_count,
        update_count,
        delete_count,
        other_count,
        ..
    } = db.session.metrics().statements;
    assert_eq!(
        (select_count, insert_count, update_count, delete_count, other_count),
        (1, 2, 1, 1, 2)
    );
}
