//! Parameters by position and by name.
#![allow(clippy::unwrap_used)]

mod common;

use actor_sqlite_session::*;
use common::*;

fn named(values: &[(&str, i64)]) -> Params {
    Params::Named(values.iter().map(|(name, value)| ((*name).into(), int(*value))).collect())
}

fn positional(values: &[i64]) -> Params {
    Params::Positional(values.iter().copied().map(int).collect())
}

#[track_caller]
fn refused(db: &Db, sql: &str, params: Params, reason: &str) {
    match db.all_with(sql, params) {
        Err(SessionError::Parameters { reason: got }) => assert_eq!(got, reason),
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn by_position() {
    let db = fresh();
    let all = |sql: &str, values: &[i64]| db.all_with(sql, positional(values)).unwrap().remove(0);
    assert_eq!(all("SELECT ?, ?", &[1, 2]), [int(1), int(2)]);
    assert_eq!(all("SELECT ?2, ?1", &[1, 2]), [int(2), int(1)]);
    assert_eq!(all("SELECT :a, @b, $c, :a", &[1, 2, 3]), [int(1), int(2), int(3), int(1)]);
    assert_eq!(all("SELECT ?3", &[1, 2, 3]), [int(3)]);
    assert_eq!(all("SELECT 1", &[]), [int(1)]);
    let wrong = |given| format!("the statement has 2 parameters, {given} values were given");
    refused(&db, "SELECT ?, ?", positional(&[1]), &wrong(1));
    refused(&db, "SELECT ?, ?", positional(&[1, 2, 3]), &wrong(3));
    refused(&db, "SELECT ?, ?", Params::None, &wrong(0));
    let text = "the statement has 0 parameters, 1 values were given";
    refused(&db, "SELECT '?'", positional(&[1]), text);
}

#[test]
fn by_name() {
    let db = fresh();
    let all = |sql: &str, values| db.all_with(sql, named(values)).unwrap().remove(0);
    let sql = "SELECT :a, @b, $c";
    let expected = [int(1), int(2), int(3)];
    assert_eq!(all(sql, &[("a", 1), ("b", 2), ("c", 3)]), expected);
    assert_eq!(all(sql, &[("$c", 3), (":a", 1), ("@b", 2)]), expected);
    assert_eq!(all("SELECT :a, $a", &[("a", 1)]), [int(1), int(1)]);
    assert_eq!(all("SELECT :a, $a", &[("a", 1), (":a", 2)]), [int(2), int(1)]);
    assert_eq!(all("SELECT ?1, ?2", &[("1", 1), ("?2", 2)]), [int(1), int(2)]);
    assert_eq!(all("SELECT $a::b(c)", &[("$a::b(c)", 1)]), [int(1)]);
    assert_eq!(all("SELECT :é", &[("é", 1)]), [int(1)]);
    assert_eq!(all("SELECT 1 -- :no :such", &[]), [int(1)]);
    refused(&db, sql, named(&[("a", 1), ("b", 2)]), "there is no value for parameter $c");
    refused(&db, "SELECT :a", named(&[("a", 1), ("b", 2)]), "the statement has no parameter b");
    refused(&db, "SELECT :a", named(&[("$a", 1)]), "there is no value for parameter :a");
    refused(&db, "SELECT :a", named(&[("A", 1)]), "there is no value for parameter :a");
    let text = "parameter 1 has no name: give the values by position";
    refused(&db, "SELECT ?", named(&[("a", 1)]), text);
    refused(&db, "SELECT :a", named(&[("a", 1), ("a", 1)]), "the statement has no parameter a");
}

#[test]
fn nothing_stays_bound() {
    let db = fresh();
    db.all_with("SELECT ?", positional(&[1])).unwrap();
    refused(&db, "SELECT ?", Params::None, "the statement has 1 parameters, 0 values were given");
    let long = text(&"x".repeat(1 << 20));
    for _ in 0..3 {
        let got = db.all_with("SELECT ?", Params::Positional(vec![long.clone()])).unwrap();
        assert_eq!(got, [[long.clone()]]);
    }
}

#[test]
fn a_cursor_keeps_its_parameters() {
    let db = fresh();
    let sql = "WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100) \
               SELECT ? || i FROM n";
    let params = Params::Positional(vec![text("a-")]);
    let mut rows = rows_of(db.call(execute(sql, params, Want::Chunk { rows_max: 7 })).unwrap());
    let mut all = values(&rows);
    while let Some(cursor) = rows.more {
        // Another run of the same text, with another value.
        let params = Params::Positional(vec![text("b-")]);
        assert_eq!(db.all_with(sql, params).unwrap().len(), 100);
        rows = rows_of(db.call(Action::Fetch { cursor, rows_max: 7 }).unwrap());
        all.extend(values(&rows));
    }
    let expected: Vec<Row> = (1..=100).map(|i| vec![text(&format!("a-{i}"))]).collect();
    assert_eq!(all, expected);
}

#[test]
fn the_most_parameters() {
    let db = fresh();
    let sql = format!("SELECT {}", vec!["?"; 2000].join(","));
    let given: Vec<i64> = (0..2000).collect();
    let got = db.all_with(&sql, positional(&given)).unwrap().remove(0);
    assert_eq!(got, given.into_iter().map(int).collect::<Vec<_>>());
    assert_eq!(code(db.all("SELECT ?32767")), rusqlite::ffi::SQLITE_ERROR);
}
