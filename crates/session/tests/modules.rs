//! Virtual tables of a caller's.
#![allow(clippy::unwrap_used)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use actor_sqlite_session::*;
use common::{actor, host};

/// What the tables were asked, in order.
type Log = Rc<RefCell<Vec<String>>>;

/// Tables `x` of the numbers from `first` to `last`, `first` being 1 if it is not given.
struct Counting {
    log: Log,
    direct_only: bool,
    parameters: Vec<String>,
}

struct CountingTable {
    log: Log,
    last: i64,
}

struct CountingScan {
    log: Log,
    at: i64,
    last: i64,
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.log.borrow_mut().push("forget".into());
    }
}

impl SqlModule for Counting {
    fn connect(&self, arguments: &[&str]) -> Option<SqlTableDefinition> {
        self.log.borrow_mut().push(format!("connect {}", arguments.join(" ")));
        let last = match arguments.get(3) {
            Some(&"fail") => return None,
            Some(&"panic") => panic!("on purpose"),
            Some(last) => last.parse().ok()?,
            None => 3,
        };
        Some(SqlTableDefinition {
            parameters: self.parameters.clone(),
            columns: vec!["x".into(), "odd \"name".into()],
            direct_only: self.direct_only,
            table: Box::new(CountingTable { log: self.log.clone(), last }),
        })
    }
}

impl SqlTable for CountingTable {
    fn scan(&self, arguments: &[Option<ValueRef<'_>>]) -> Option<Box<dyn SqlScan>> {
        self.log.borrow_mut().push(format!("scan {arguments:?}"));
        let at = match arguments[0] {
            None => 0,
            Some(ValueRef::Integer(first)) => first - 1,
            Some(ValueRef::Text(_)) => return None,
            Some(_) => panic!("on purpose"),
        };
        Some(Box::new(CountingScan { log: self.log.clone(), at, last: self.last }))
    }
}

impl SqlScan for CountingScan {
    fn next(&mut self) -> Option<bool> {
        self.at += 1;
        match self.at {
            40 => None,
            50 => panic!("on purpose"),
            at => Some(at <= self.last),
        }
    }

    fn value(&self, column: usize) -> Option<Value> {
        match (column, self.at) {
            (0, at) => Some(Value::Integer(at)),
            (_, 2) => None,
            (_, 3) => panic!("on purpose"),
            (_, at) => Some(Value::Text(format!("{at}th"))),
        }
    }
}

impl Drop for CountingScan {
    fn drop(&mut self) {
        self.log.borrow_mut().push(format!("end at {}", self.at));
        assert_ne!(self.at, 9, "on purpose");
    }
}

#[derive(Default)]
struct Lines(Vec<String>);

impl RowSink for Lines {
    fn shape(&mut self, _: &Arc<Shape>) {}

    fn row(&mut self, row: &RowRef<'_>) -> bool {
        let texts = row.values().iter().map(|value| match value {
            ValueRef::Integer(value) => value.to_string(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
            other => format!("{other:?}"),
        });
        self.0.push(texts.collect::<Vec<_>>().join(" "));
        true
    }
}

fn rows(db: &mut SyncSession, sql: &str) -> Result<Vec<String>, SessionError> {
    let SyncPrepared::One(statement) = db.prepare(sql)? else { panic!("{sql}") };
    let mut lines = Lines::default();
    let result = db.rows(statement.id, Some(Params::None), &mut lines);
    db.finalize(statement.id);
    result.map(|_| lines.0)
}

fn lines(db: &mut SyncSession, sql: &str) -> Vec<String> {
    rows(db, sql).unwrap()
}

/// What SQLite says of a statement that fails.
fn failure(db: &mut SyncSession, sql: &str) -> String {
    match rows(db, sql).unwrap_err() {
        SessionError::Sqlite { code: 1, message, .. } => message,
        other => panic!("{sql}: {other:?}"),
    }
}

fn counting(log: &Log, direct_only: bool) -> Box<Counting> {
    let parameters = vec!["first".into(), "why".into()];
    Box::new(Counting { log: log.clone(), direct_only, parameters })
}

fn fresh() -> (SyncSession, Log) {
    let mut db = SyncSession::open(&host(), actor("a"), OpenOptions::default()).unwrap();
    let log = Log::default();
    db.register_module("count", true, counting(&log, false)).unwrap();
    db.register_module("counts", false, counting(&log, false)).unwrap();
    (db, log)
}

#[test]
fn rows_come_one_by_one_and_a_scan_ends_with_them() {
    let (mut db, log) = fresh();
    assert_eq!(lines(&mut db, "SELECT rowid, x FROM count"), ["1 1", "2 2", "3 3"]);
    assert_eq!(lines(&mut db, "SELECT x FROM count(2) LIMIT 1"), ["2"]);
    assert_eq!(lines(&mut db, "SELECT \"odd \"\"name\" FROM count LIMIT 1"), ["1th"]);
    let expected = [
        "connect count main count",
        "scan [None, None]",
        "end at 4",
        "scan [Some(Integer(2)), None]",
        "end at 2",
    ];
    assert_eq!(log.borrow()[..5], expected);
    assert_eq!(
        lines(&mut db, "SELECT a.x + b.x FROM count a, count b WHERE a.x = b.x"),
        ["2", "4", "6"]
    );
    assert_eq!(failure(&mut db, "INSERT INTO count VALUES (1)"), "table count may not be modified");
}

#[test]
fn parameters_get_values_in_any_order_and_show_them() {
    let (mut db, log) = fresh();
    let why = "SELECT first, why, x FROM count WHERE x = 3 AND ";
    assert_eq!(lines(&mut db, &format!("{why} why = 'so' AND first = 3")), ["3 so 3"]);
    assert_eq!(log.borrow()[1], "scan [Some(Integer(3)), Some(Text([115, 111]))]");
    assert_eq!(
        lines(&mut db, &format!("{why} why = 9223372036854775807")),
        ["Null 9223372036854775807 3"]
    );
    assert_eq!(lines(&mut db, &format!("{why} first = 3 AND first = 2")), [""; 0]);
    assert_eq!(
        lines(&mut db, "SELECT x FROM count WHERE first IN (2, 3) ORDER BY x"),
        ["2", "3", "3"]
    );
    let scans = log.borrow().len();
    assert_eq!(lines(&mut db, "SELECT x FROM count(NULL)"), [""; 0]);
    assert_eq!(log.borrow().len(), scans);
    assert_eq!(
        failure(&mut db, "SELECT x FROM count WHERE why > 1"),
        "virtual table parameter \"why\" can only be constrained by the '=' operator"
    );
    assert_eq!(
        failure(&mut db, "SELECT 1 FROM count(1, 2, 3)"),
        "too many arguments on count() - max 2"
    );
}

#[test]
fn what_fails_or_panics_fails_its_statement_alone() {
    let (mut db, log) = fresh();
    db.exec("CREATE VIRTUAL TABLE hundred USING counts(100)").unwrap();
    for sql in [
        "SELECT x FROM count('text')",
        "SELECT x FROM count(x'00')",
        "SELECT x FROM hundred(37)",
        "SELECT x FROM hundred(47)",
    ] {
        assert_eq!(failure(&mut db, sql), "a virtual table failed", "{sql}");
    }
    for first in [2, 3] {
        assert_eq!(
            failure(&mut db, &format!("SELECT * FROM count({first})")),
            "a virtual table failed"
        );
    }
    assert_eq!(lines(&mut db, "SELECT x FROM hundred(9) LIMIT 1"), ["9"]);
    assert_eq!(log.borrow().last().unwrap(), "end at 9");
    for argument in ["fail", "panic"] {
        let failed = failure(&mut db, &format!("CREATE VIRTUAL TABLE t USING counts({argument})"));
        assert_eq!(failed, "a module of virtual tables failed");
    }
    assert_eq!(lines(&mut db, "SELECT x FROM count"), ["1", "2", "3"]);
}

#[test]
fn tables_are_created_and_stay_in_the_schema() {
    let host = host();
    let log = Log::default();
    let open = |log: &Log| {
        let mut db = SyncSession::open(&host, actor("a"), OpenOptions::default()).unwrap();
        db.register_module("counts", false, counting(log, false)).unwrap();
        db
    };
    let mut db = open(&log);
    assert_eq!(failure(&mut db, "SELECT * FROM counts"), "no such table: counts");
    db.exec("CREATE VIRTUAL TABLE two USING counts(2)").unwrap();
    assert_eq!(lines(&mut db, "SELECT x FROM two"), ["1", "2"]);
    db.close().unwrap();
    assert_eq!(log.borrow().last().unwrap(), "forget");
    log.borrow_mut().clear();
    let mut db = open(&log);
    assert_eq!(lines(&mut db, "SELECT x FROM two"), ["1", "2"]);
    assert_eq!(log.borrow()[0], "connect counts main two 2");
    db.close().unwrap();
    let mut db = SyncSession::open(&host, actor("a"), OpenOptions::default()).unwrap();
    assert_eq!(failure(&mut db, "SELECT x FROM two"), "no such module: counts");
    assert_eq!(lines(&mut db, "SELECT name FROM sqlite_schema"), ["two"]);
    assert_eq!(lines(&mut db, "PRAGMA integrity_check"), ["ok"]);
}

#[test]
fn a_module_is_replaced_and_forgotten() {
    let (mut db, log) = fresh();
    assert_eq!(failure(&mut db, "CREATE VIRTUAL TABLE t USING count"), "no such module: count");
    lines(&mut db, "SELECT x FROM count");
    db.register_module("count", true, counting(&log, false)).unwrap();
    // With the table of it, which SQLite drops before it compiles the next statement.
    assert_eq!(lines(&mut db, "SELECT x FROM count LIMIT 1"), ["1"]);
    assert_eq!(log.borrow().iter().filter(|it| *it == "forget").count(), 1);
    assert!(db.register_module("a\0b", true, counting(&log, false)).is_err());
    let mut wide = counting(&log, false);
    wide.parameters = (0..33).map(|index| format!("p{index}")).collect();
    db.register_module("wide", true, wide).unwrap();
    assert!(failure(&mut db, "SELECT x FROM wide").contains("at most 32 parameters"));
    let mut twice = counting(&log, false);
    twice.parameters = vec!["X".into()];
    db.register_module("twice", true, twice).unwrap();
    assert_eq!(failure(&mut db, "SELECT x FROM twice"), "duplicate column name: x");
}

#[test]
fn the_schema_reads_tables_unless_they_are_direct() {
    let (mut db, log) = fresh();
    db.register_module("direct", true, counting(&log, true)).unwrap();
    db.exec("CREATE VIEW v AS SELECT x FROM count; CREATE VIEW w AS SELECT x FROM direct").unwrap();
    assert_eq!(lines(&mut db, "SELECT x FROM v"), ["1", "2", "3"]);
    assert_eq!(lines(&mut db, "SELECT x FROM direct"), ["1", "2", "3"]);
    assert_eq!(failure(&mut db, "SELECT x FROM w"), "unsafe use of virtual table \"direct\"");
}
