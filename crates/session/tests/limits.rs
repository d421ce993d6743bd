//! Statements made to eat time or memory end, with an error, and the session lives on.
#![allow(clippy::unwrap_used)]

mod common;

use actor_sqlite_session::*;
use common::*;
use rusqlite::ffi::{SQLITE_ERROR as ERROR, SQLITE_NOMEM as NOMEM, SQLITE_TOOBIG as TOOBIG};

/// Ended by a limit, with this primary code.
fn limited() -> Vec<(i32, String)> {
    let nested = |open: &str, close: &str, depth: usize| {
        format!("SELECT {}1{}", open.repeat(depth), close.repeat(depth))
    };
    vec![
        (TOOBIG, "SELECT randomblob(1000000000)".into()),
        (TOOBIG, "SELECT zeroblob(1000000000) || 'x'".into()),
        (TOOBIG, "SELECT length(zeroblob(2147483647))".into()),
        (TOOBIG, "SELECT printf('%2000000000d', 1)".into()),
        (TOOBIG, "SELECT printf('%.*c', 1000000000, 'x')".into()),
        (TOOBIG, "SELECT hex(zeroblob(200000000))".into()),
        (TOOBIG, "SELECT replace(hex(zeroblob(1000000)), '0', hex(zeroblob(1000)))".into()),
        (
            TOOBIG,
            "SELECT group_concat(hex(zeroblob(10000000)), ',') FROM \
                  (VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9),(10),(11),(12),(13),(14))"
                .into(),
        ),
        (ERROR, nested("(", ")", 5000)),
        (ERROR, nested("-(", ")", 100_000)),
        (ERROR, nested("abs(", ")", 2000)),
        (ERROR, nested("(SELECT ", ")", 2000)),
        (ERROR, format!("SELECT {}", vec!["1"; 3000].join("+"))),
        (ERROR, format!("SELECT {}", vec!["1"; 3000].join(","))),
        (ERROR, vec!["SELECT 1"; 600].join(" UNION ALL ")),
        (ERROR, format!("SELECT json_array({})", vec!["1"; 1100].join(","))),
        (
            ERROR,
            format!(
                "CREATE TABLE x ({})",
                (0..2100).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",")
            ),
        ),
        (ERROR, "SELECT ?32767".into()),
        (ERROR, format!("SELECT 'a' LIKE '{}'", "%a".repeat(30_000))),
        (ERROR, format!("SELECT json('{}')", "[".repeat(5000))),
        (TOOBIG, format!("SELECT '{}'", "x".repeat(1_000_001))),
        (TOOBIG, format!("SELECT 1 IN ({})", vec!["1"; 600_000].join(","))),
    ]
}

/// Ended by their deadline.
const ENDLESS: &[&str] = &[
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "WITH RECURSIVE n(i) AS (VALUES (zeroblob(1000)) UNION ALL SELECT i FROM n) \
     SELECT count(*) FROM n",
    "SELECT count(*) FROM b, b AS c, b AS d, b AS e",
    "SELECT max(x.v || y.v) FROM b x JOIN b y JOIN b z ON x.v < z.v",
    "SELECT count(*) FROM b x WHERE EXISTS \
     (SELECT 1 FROM b y, b z WHERE y.v || z.v = x.v || 'no')",
    "UPDATE b SET v = (SELECT max(y.v + z.v + b.v) FROM b y, b z)",
    "DELETE FROM b WHERE v IN (SELECT x.v + y.v + z.v + 100000 FROM b x, b y, b z)",
    "INSERT INTO t2 WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    "SELECT count(*) FROM b x WHERE (SELECT group_concat(y.v) FROM b y, b z) LIKE '%x%y%z%'",
    "SELECT sum(length(hex(randomblob(100000)))) FROM b x, b y, b z",
    "SELECT v, count(*) OVER (ORDER BY random() ROWS UNBOUNDED PRECEDING) FROM \
     (SELECT x.v FROM b x, b y, b z) LIMIT 1",
];

#[test]
fn bombs_that_limits_end() {
    let db = fresh();
    for (expected, sql) in limited() {
        let shown = &sql[..sql.len().min(80)];
        let got = code(db.all(&sql)) & 0xff;
        assert!(got == expected || (got == NOMEM && expected == TOOBIG), "{got} for {shown}");
    }
    assert_eq!(db.one("SELECT 1"), int(1));
}

#[test]
fn bombs_that_the_deadline_ends() {
    let db = fresh();
    db.script(
        "CREATE TABLE b (v); CREATE TABLE t2 (v); INSERT INTO b WITH RECURSIVE \
               n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 2000) SELECT i FROM n",
    )
    .unwrap();
    for sql in ENDLESS {
        let want = if sql.starts_with("SELECT") || sql.starts_with("WITH") {
            Want::All
        } else {
            Want::Run
        };
        let command =
            Command { timeout_ms: Some(50), ..db.command(execute(sql, Params::None, want), None) };
        let result = db.start_command(command).recv().unwrap();
        assert!(
            matches!(result, Err(SessionError::Timeout { timeout_ms: 50 })),
            "{sql}: {result:?}"
        );
        assert_eq!(db.one("SELECT count(*) FROM b"), int(2000));
        assert_eq!(db.one("SELECT count(*) FROM t2"), int(0));
    }
}

#[test]
fn triggers_that_fire_themselves() {
    let db = fresh();
    db.script(
        "PRAGMA recursive_triggers = ON; CREATE TABLE t (a); \
               CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO t VALUES (new.a + 1); END",
    )
    .unwrap();
    assert_eq!(code(db.run("INSERT INTO t VALUES (1)")) & 0xff, ERROR);
    assert_eq!(db.one("SELECT count(*) FROM t"), int(0));
}

/// A limit binds what comes from outside, not what a session says itself to open and to begin.
#[test]
fn small_limits_open() {
    let limits = Limits { sql_length: Some(100), length: Some(100), ..Limits::default() };
    for readonly in [false, true] {
        let options = OpenOptions { limits, readonly, ..OpenOptions::default() };
        let db = try_open(&host(), "a", options).unwrap();
        let id = db.begin();
        let inner = db.call_in(id, Action::Begin(Behavior::Deferred)).unwrap();
        assert_eq!(began(inner), id);
        db.call_in(id, Action::Rollback).unwrap();
        db.call_in(id, Action::Rollback).unwrap();
        assert_eq!(code(db.all(&format!("SELECT 1 -- {}", "x".repeat(100)))) & 0xff, TOOBIG);
    }
}

/// A result that is too large is an error, and an error means that nothing happened.
#[test]
fn too_many_rows_of_a_statement_that_writes() {
    let options = OpenOptions { result_bytes_max: 1000, ..OpenOptions::default() };
    let db = try_open(&host(), "a", options).unwrap();
    db.run("CREATE TABLE t (a)").unwrap();
    let sql = "INSERT INTO t WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n \
               LIMIT 1000) SELECT i FROM n RETURNING a";
    let too_large = |result: &Result<Answer>| {
        matches!(
            result,
            Err(SessionError::Store(actor_sqlite_pagestore::StoreError::Limit { limit: 1000, .. }))
        )
    };
    for want in [Want::All, Want::Chunk { rows_max: 1 }] {
        assert!(too_large(&db.call(execute(sql, Params::None, want))));
        assert!(!db.session.in_transaction());
        assert_eq!(db.one("SELECT count(*) FROM t"), int(0));

        let id = db.begin();
        db.call_in(id, run("INSERT INTO t VALUES (0)")).unwrap();
        assert!(too_large(&db.call_in(id, execute(sql, Params::None, want))));
        let commit = db.call_in(id, Action::Commit);
        assert!(matches!(commit, Err(SessionError::TransactionOver { .. })), "{commit:?}");
        assert_eq!(db.one("SELECT count(*) FROM t"), int(0));
    }
    let entries = ["INSERT INTO t VALUES (0)", sql];
    let entries = entries.map(|sql| BatchEntry { sql: sql.into(), rows: vec![] }).to_vec();
    assert!(too_large(&db.call(Action::Batch { entries, behavior: Behavior::Deferred })));
    assert_eq!(db.one("SELECT count(*) FROM t"), int(0));
    db.all("INSERT INTO t VALUES (1) RETURNING a").unwrap();
    assert_eq!(db.one("SELECT count(*) FROM t"), int(1));
}

#[test]
fn limits_can_be_set() {
    let limits = Limits {
        length: Some(1000),
        sql_length: Some(200),
        column: Some(6),
        expr_depth: Some(5),
        compound_select: Some(2),
        function_arg: Some(2),
        like_pattern_length: Some(10),
        variable_number: Some(4),
        ..Limits::default()
    };
    let options = OpenOptions { limits, ..OpenOptions::default() };
    let db = try_open(&host(), "a", options).unwrap();
    for (expected, sql) in [
        (TOOBIG, "SELECT zeroblob(1001)".to_owned()),
        (TOOBIG, format!("SELECT 1 -- {}", "x".repeat(200))),
        (ERROR, "SELECT 1, 2, 3, 4, 5, 6, 7".into()),
        (ERROR, "SELECT 1+2+3+4+5+6+7".into()),
        (ERROR, "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3".into()),
        (ERROR, "SELECT max(1, 2, 3)".into()),
        (ERROR, "SELECT 'x' LIKE '%%%%%%%%%%%'".into()),
        (ERROR, "SELECT ?5".into()),
    ] {
        assert_eq!(code(db.all(&sql)) & 0xff, expected, "{sql}");
    }
}
