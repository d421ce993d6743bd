//! Values cross the border without loss, whatever they are.
#![allow(clippy::unwrap_used)]

mod common;

use actor_sqlite_session::*;
use common::*;

fn echo(db: &Db, value: Value) -> Value {
    db.all_with("SELECT ?", Params::Positional(vec![value])).unwrap().remove(0).remove(0)
}

fn random_value(random: &mut fastrand::Rng) -> Value {
    let edge = [0, 1, -1, i64::MAX, i64::MIN, (1 << 53) + 1, -(1 << 53) - 1, i64::from(i32::MIN)];
    match random.u8(0..8) {
        0 => Value::Null,
        1 => Value::Integer(edge[random.usize(..edge.len())]),
        2 => Value::Integer(random.i64(..)),
        3 => Value::Real(f64::from_bits(random.u64(..))),
        4 => Value::Real([0.0, -0.0, f64::INFINITY, f64::MIN_POSITIVE][random.usize(..4)]),
        5 => Value::Text((0..random.usize(..40)).map(|_| random.char(..)).collect()),
        6 => Value::Blob((0..random.usize(..300)).map(|_| random.u8(..)).collect()),
        _ => Value::Text(["", "\0", "a\0b", "é\u{10ffff}"][random.usize(..4)].into()),
    }
}

/// Equal bit by bit; NaN is NULL to SQLite.
fn same(given: &Value, got: &Value) -> bool {
    match (given, got) {
        (Value::Real(given), Value::Null) => given.is_nan(),
        (Value::Real(given), Value::Real(got)) => given.to_bits() == got.to_bits(),
        _ => given == got,
    }
}

#[test]
fn round_trip_through_a_parameter_and_a_table() {
    let mut random = random(1);
    let db = fresh();
    db.run("CREATE TABLE t (id INTEGER PRIMARY KEY, v)").unwrap();
    let mut stored = Vec::new();
    for _ in 0..2000 {
        let value = random_value(&mut random);
        let echoed = echo(&db, value.clone());
        assert!(same(&value, &echoed), "{value:?} came back as {echoed:?}");
        db.run_with("INSERT INTO t (v) VALUES (?)", Params::Positional(vec![value.clone()]))
            .unwrap();
        stored.push(value);
    }
    let rows = db.all("SELECT v FROM t ORDER BY id").unwrap();
    assert_eq!(rows.len(), stored.len());
    for (value, row) in stored.iter().zip(rows) {
        assert!(same(value, &row[0]), "{value:?} came back as {row:?}");
    }
}

#[test]
fn what_is_no_utf8_is_replaced_and_nothing_else() {
    let db = fresh();
    let got = db.one("SELECT CAST(x'61ff62c328' AS TEXT)");
    assert_eq!(got, text("a\u{fffd}b\u{fffd}("));
    assert_eq!(db.one("SELECT CAST(x'610062' AS TEXT)"), text("a\0b"));
}

#[test]
fn utf16_databases() {
    let db = fresh();
    db.script("PRAGMA encoding='UTF-16le'; CREATE TABLE t (a)").unwrap();
    let given = text("a\0é\u{1f600}");
    db.run_with("INSERT INTO t VALUES (?)", Params::Positional(vec![given.clone()])).unwrap();
    assert_eq!(db.all("SELECT a, a, length(a) FROM t").unwrap(), [[given.clone(), given, int(1)]]);
    assert_eq!(db.one("PRAGMA encoding"), text("UTF-16le"));
}

#[test]
fn empty_values_are_not_null() {
    let db = fresh();
    let params = Params::Positional(vec![text(""), Value::Blob(vec![])]);
    let rows = db.all_with("SELECT typeof(?1), typeof(?2), ?1, ?2, zeroblob(0), ''", params);
    let blob = || Value::Blob(vec![]);
    assert_eq!(rows.unwrap(), [[text("text"), text("blob"), text(""), blob(), blob(), text("")]]);
}

#[test]
fn columns_are_described() {
    let db = fresh();
    db.run("CREATE TABLE t (a INTEGER NOT NULL, \"b c\" VARCHAR(10))").unwrap();
    let rows = rows_of(
        db.call(execute("SELECT a AS x, \"b c\", a + 1 FROM t", Params::None, Want::All)).unwrap(),
    );
    let columns = &rows.shape.columns;
    assert_eq!(columns[0].name, "x");
    assert_eq!(columns[0].column.as_deref(), Some("a"));
    assert_eq!(columns[0].table.as_deref(), Some("t"));
    assert_eq!(columns[0].database.as_deref(), Some("main"));
    assert_eq!(columns[0].declared_type.as_deref(), Some("INTEGER"));
    assert_eq!(columns[1].declared_type.as_deref(), Some("VARCHAR(10)"));
    assert_eq!((&*columns[2].name, &columns[2].table), ("a + 1", &None));
}

#[test]
fn a_result_larger_than_allowed_is_an_error() {
    let host = host();
    let options = OpenOptions { result_bytes_max: 100_000, ..OpenOptions::default() };
    let db = try_open(&host, "a", options).unwrap();
    assert_eq!(db.all("SELECT randomblob(90000)").unwrap().len(), 1);
    let error = db.all("SELECT randomblob(60000) UNION ALL SELECT randomblob(60000)").unwrap_err();
    assert!(matches!(
        error,
        SessionError::Store(actor_sqlite_pagestore::StoreError::Limit { limit: 100_000, .. })
    ));
    assert_eq!(db.one("SELECT 1"), int(1));
}
