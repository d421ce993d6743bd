//! Changes recorded in one database and applied to another.
#![allow(clippy::unwrap_used)]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use actor_sqlite_session::*;
use common::{actor, host};
use rusqlite::ffi::{SQLITE_ABORT, SQLITE_CORRUPT, SQLITE_ERROR, SQLITE_MISUSE};

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, x UNIQUE)";
const DATA: i32 = 1;
const NOT_FOUND: i32 = 2;
const CONFLICT: i32 = 3;
const CONSTRAINT: i32 = 4;
const FOREIGN_KEY: i32 = 5;
const OMIT: i32 = 0;
const REPLACE: i32 = 1;
const ABORT: i32 = 2;

/// Answers with what it was given, and notes what it was asked.
#[derive(Default)]
struct Handler {
    answer: i32,
    only: Option<&'static str>,
    asked: Vec<i32>,
    tables: Vec<String>,
    panic: bool,
}

impl ApplyChanges for Handler {
    fn wants(&mut self, table: &str) -> bool {
        self.tables.push(table.into());
        self.only.is_none_or(|only| only == table)
    }

    fn conflict(&mut self, kind: i32) -> i32 {
        assert!(!self.panic, "on purpose");
        self.asked.push(kind);
        self.answer
    }
}

fn fresh() -> SyncSession {
    SyncSession::open(&host(), actor("a"), OpenOptions::default()).unwrap()
}

fn with(sql: &str) -> SyncSession {
    let mut db = fresh();
    db.exec(sql).unwrap();
    db
}

/// The rows of a query, as text.
fn rows(db: &mut SyncSession, sql: &str) -> Vec<String> {
    struct Lines(Vec<String>);
    impl RowSink for Lines {
        fn shape(&mut self, _: &std::sync::Arc<Shape>) {}
        fn row(&mut self, row: &RowRef<'_>) -> bool {
            let cells = row.values().iter().map(|value| match value {
                ValueRef::Integer(integer) => integer.to_string(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                other => format!("{other:?}"),
            });
            self.0.push(cells.collect::<Vec<_>>().join(" "));
            true
        }
    }
    let SyncPrepared::One(statement) = db.prepare(sql).unwrap() else { panic!("{sql}") };
    let mut lines = Lines(Vec::new());
    db.rows(statement.id, Some(Params::None), &mut lines).unwrap();
    lines.0
}

/// What `sql` changes.
fn changes_of(db: &mut SyncSession, sql: &str) -> Vec<u8> {
    let recording = db.record("main", None).unwrap();
    db.exec(sql).unwrap();
    db.changes(recording, ChangesetKind::Changeset).unwrap()
}

fn code(error: SessionError) -> i32 {
    match error {
        SessionError::Sqlite { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_changed_here_can_be_made_there() {
    for kind in [ChangesetKind::Changeset, ChangesetKind::Patchset] {
        let setup = format!("{TABLE}; INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')");
        let (mut from, mut to) = (with(&setup), with(&setup));
        let recording = from.record("main", None).unwrap();
        assert!(from.changes(recording, kind).unwrap().is_empty());
        from.exec("INSERT INTO t VALUES (4, x'ff'); DELETE FROM t WHERE id = 1").unwrap();
        from.exec("BEGIN; UPDATE t SET x = x || 'gone'; ROLLBACK").unwrap();
        from.exec("BEGIN; UPDATE t SET x = 'z' WHERE id = 2; COMMIT").unwrap();
        let changes = from.changes(recording, kind).unwrap();
        let mut handler = Handler::default();
        to.apply(&changes, &mut handler).unwrap();
        assert_eq!(handler.tables, ["t"]);
        assert!(handler.asked.is_empty());
        let all = "SELECT id, x FROM t ORDER BY id";
        assert_eq!(rows(&mut from, all), ["2 z", "3 c", "4 Blob([255])"]);
        assert_eq!(rows(&mut from, all), rows(&mut to, all));
    }
}

#[test]
fn one_table_of_one_schema_can_be_recorded() {
    let two = "CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE u (id INTEGER PRIMARY KEY)";
    let (mut from, mut to) = (with(two), with(two));
    let [only_t, all, temp] = [("main", Some("t")), ("main", None), ("temp", None)]
        .map(|(schema, table)| from.record(schema, table).unwrap());
    from.exec("INSERT INTO t VALUES (1); INSERT INTO u VALUES (1), (2)").unwrap();
    let [only_t, all, temp] =
        [only_t, all, temp].map(|id| from.changes(id, ChangesetKind::Changeset).unwrap());
    assert!(temp.is_empty());
    assert!(all.len() > only_t.len());
    to.apply(&all, &mut Handler { only: Some("u"), ..Handler::default() }).unwrap();
    assert_eq!(rows(&mut to, "SELECT (SELECT count(*) FROM t), count(*) FROM u"), ["0 2"]);
    to.apply(&only_t, &mut Handler::default()).unwrap();
    assert_eq!(rows(&mut to, "SELECT count(*) FROM t"), ["1"]);
}

#[test]
fn a_recording_that_ended_is_not_there() {
    let mut db = with(TABLE);
    let recording = db.record("main", None).unwrap();
    db.end_recording(recording);
    db.end_recording(recording);
    let gone = db.changes(recording, ChangesetKind::Changeset);
    assert!(matches!(gone, Err(SessionError::Usage { .. })), "{gone:?}");
    db.record("main", None).unwrap();
    db.close().unwrap();
    assert!(matches!(db.record("main", None), Err(SessionError::Closed)));
}

/// There, here, what changes here, and what is found there.
type Case = (&'static str, &'static str, &'static str, i32);

const CASES: [Case; 5] = [
    (
        "INSERT INTO t VALUES (1, 'other')",
        "INSERT INTO t VALUES (1, 'a')",
        "UPDATE t SET x = 'b'",
        DATA,
    ),
    ("SELECT 1", "INSERT INTO t VALUES (1, 'a')", "DELETE FROM t", NOT_FOUND),
    ("INSERT INTO t VALUES (1, 'a')", "SELECT 1", "INSERT INTO t VALUES (1, 'b')", CONFLICT),
    ("INSERT INTO t VALUES (2, 'a')", "SELECT 1", "INSERT INTO t VALUES (1, 'a')", CONSTRAINT),
    (
        "INSERT INTO t VALUES (1, 'a'); INSERT INTO u VALUES (1)",
        "INSERT INTO t VALUES (1, 'a')",
        "DELETE FROM t",
        FOREIGN_KEY,
    ),
];

#[test]
fn what_does_not_fit_is_asked_about() {
    let tables = format!("{TABLE}; CREATE TABLE u (t INTEGER PRIMARY KEY REFERENCES t)");
    for (there, here, change, kind) in CASES {
        let mut from = with(&tables);
        from.exec(here).unwrap();
        let changes = changes_of(&mut from, change);
        for answer in [OMIT, REPLACE, ABORT, 7] {
            let mut to = with(&tables);
            to.exec(there).unwrap();
            let before = rows(&mut to, "SELECT id, x FROM t");
            let mut handler = Handler { answer, ..Handler::default() };
            let applied = to.apply(&changes, &mut handler);
            assert_eq!(handler.asked, [kind], "{change}");
            let replaces = answer == REPLACE && (kind == DATA || kind == CONFLICT);
            match applied {
                Ok(()) => assert!(answer == OMIT || replaces, "{change} {answer}"),
                Err(error) => {
                    let aborts = answer == ABORT || kind == FOREIGN_KEY;
                    let expected = if aborts { SQLITE_ABORT } else { SQLITE_MISUSE };
                    let got = code(error);
                    assert!(
                        got == expected || (kind == FOREIGN_KEY && got & 0xff == 19),
                        "{change} {answer}: {got}"
                    );
                    assert_eq!(rows(&mut to, "SELECT id, x FROM t"), before, "{change} {answer}");
                }
            }
            // It goes on.
            assert!(!to.in_transaction());
            to.exec("INSERT INTO t VALUES (9, 'nine')").unwrap();
        }
    }
}

#[test]
fn changes_are_part_of_the_transaction_that_is_open() {
    let mut from = with(TABLE);
    let changes = changes_of(&mut from, "INSERT INTO t VALUES (1, 'a')");
    let mut to = with(TABLE);
    to.exec("BEGIN; INSERT INTO t VALUES (2, 'b')").unwrap();
    to.apply(&changes, &mut Handler::default()).unwrap();
    assert!(to.in_transaction());
    assert_eq!(rows(&mut to, "SELECT count(*) FROM t"), ["2"]);
    to.exec("ROLLBACK").unwrap();
    assert_eq!(rows(&mut to, "SELECT count(*) FROM t"), ["0"]);
}

#[test]
fn changes_that_were_applied_are_there_for_the_next_owner() {
    let mut from = with(TABLE);
    let changes = changes_of(&mut from, "INSERT INTO t VALUES (1, 'a')");
    let host = host();
    let mut to = SyncSession::open(&host, actor("b"), OpenOptions::default()).unwrap();
    to.exec(TABLE).unwrap();
    to.apply(&changes, &mut Handler::default()).unwrap();
    to.close().unwrap();
    let mut again = SyncSession::open(&host, actor("b"), OpenOptions::default()).unwrap();
    assert_eq!(rows(&mut again, "SELECT id, x FROM t"), ["1 a"]);
}

#[test]
fn bytes_that_are_no_changes_are_refused() {
    let mut from = with(TABLE);
    let changes = changes_of(&mut from, "INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    let mut to = with(TABLE);
    for end in 1..changes.len() {
        // A prefix that ends where a change does is a shorter list of changes.
        if let Err(error) = to.apply(&changes[..end], &mut Handler::default()) {
            assert_eq!(code(error), SQLITE_CORRUPT, "{end}");
        }
        to.exec("DELETE FROM t").unwrap();
    }
    to.apply(&[], &mut Handler::default()).unwrap();
    assert_eq!(code(to.apply(b"nothing", &mut Handler::default()).unwrap_err()), SQLITE_CORRUPT);
    assert!(to.record("ma\0in", None).is_err());
}

#[test]
fn the_authorizer_is_asked_about_changes_too() {
    let mut from = with(TABLE);
    let changes = changes_of(&mut from, "INSERT INTO t VALUES (1, 'a')");
    let mut to = with(TABLE);
    let only_reads = |question: &AuthorizerQuestion<'_>| question.action == 18;
    to.set_authorizer(Some(Box::new(Denies(only_reads)))).unwrap();
    let denied = to.apply(&changes, &mut Handler::default());
    assert!(denied.is_err());
    to.set_authorizer(None).unwrap();
    to.apply(&changes, &mut Handler::default()).unwrap();
    assert_eq!(rows(&mut to, "SELECT count(*) FROM t"), ["1"]);
}

#[test]
fn a_handler_that_panics_ends_the_session_and_nothing_else() {
    let mut from = with(TABLE);
    let changes = changes_of(&mut from, "INSERT INTO t VALUES (1, 'a')");
    let mut to = with(&format!("{TABLE}; INSERT INTO t VALUES (1, 'b')"));
    let mut handler = Handler { panic: true, ..Handler::default() };
    let applied = catch_unwind(AssertUnwindSafe(|| to.apply(&changes, &mut handler))).unwrap();
    assert!(matches!(applied, Err(SessionError::Panicked { .. })), "{applied:?}");
    assert!(matches!(to.exec("SELECT 1"), Err(SessionError::Panicked { .. })));
}

/// Denies what the function says.
struct Denies<F>(F);

impl<F: FnMut(&AuthorizerQuestion<'_>) -> bool + Send> AskedAuthorizer for Denies<F> {
    fn ask(&mut self, question: &AuthorizerQuestion<'_>) -> Authorization {
        if (self.0)(question) { Authorization::Deny } else { Authorization::Allow }
    }
}

/// Notes what it is asked.
#[derive(Clone, Default)]
struct Notes(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

impl AskedAuthorizer for Notes {
    fn ask(&mut self, question: &AuthorizerQuestion<'_>) -> Authorization {
        let AuthorizerQuestion { action, first, second, database, accessor } = question;
        let text = |text: &Option<&str>| text.unwrap_or("-").to_owned();
        let texts = [first, second, database, accessor].map(text).join(" ");
        self.0.lock().unwrap().push(format!("{action} {texts}"));
        Authorization::Allow
    }
}

#[test]
fn a_program_is_asked_in_the_words_of_sqlite() {
    let mut db = with("CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM t");
    let SyncPrepared::One(before) = db.prepare("SELECT 1").unwrap() else { panic!() };
    let notes = Notes::default();
    db.set_authorizer(Some(Box::new(notes.clone()))).unwrap();
    let asked = |db: &mut SyncSession, sql: &str| {
        notes.0.lock().unwrap().clear();
        db.exec(sql).unwrap();
        notes.0.lock().unwrap().clone()
    };
    assert_eq!(asked(&mut db, "INSERT INTO t VALUES (1)"), ["18 t - main -"]);
    assert_eq!(asked(&mut db, "UPDATE t SET a = 2"), ["20 t a main -", "23 t a main -"][1..]);
    assert_eq!(asked(&mut db, "SAVEPOINT s"), ["32 BEGIN s - -"]);
    assert_eq!(asked(&mut db, "ROLLBACK TO s"), ["32 ROLLBACK s - -"]);
    assert_eq!(asked(&mut db, "RELEASE s"), ["32 RELEASE s - -"]);
    assert_eq!(asked(&mut db, "BEGIN"), ["22 BEGIN - - -"]);
    assert_eq!(asked(&mut db, "COMMIT"), ["22 COMMIT - - -"]);
    assert_eq!(asked(&mut db, "PRAGMA user_version = 3"), ["19 user_version 3 - -"]);
    assert_eq!(asked(&mut db, "PRAGMA user_version"), ["19 user_version - - -"]);
    assert_eq!(asked(&mut db, "SELECT abs(1)"), ["21 - - - -", "31 - abs - -"]);
    let view = asked(&mut db, "SELECT * FROM v");
    assert!(view.contains(&"20 t a main v".to_owned()), "{view:?}");
    // What was compiled before it came is asked about at its next run.
    notes.0.lock().unwrap().clear();
    db.run(before.id, Some(Params::None)).unwrap();
    assert_eq!(*notes.0.lock().unwrap(), ["21 - - - -"]);
    db.set_authorizer(None).unwrap();
    db.run(before.id, Some(Params::None)).unwrap();
    assert_eq!(notes.0.lock().unwrap().len(), 1);
}

#[test]
fn a_program_cannot_allow_what_is_denied() {
    let mut db = fresh();
    let notes = Notes::default();
    db.set_authorizer(Some(Box::new(notes.clone()))).unwrap();
    for sql in ["ATTACH 'x' AS y", "PRAGMA writable_schema = 1", "VACUUM INTO 'x'"] {
        assert!(db.exec(sql).is_err(), "{sql}");
    }
    db.exec("CREATE TABLE t (x); VACUUM").unwrap();
    db.exec("PRAGMA cache_size = 7").unwrap();
    assert_ne!(rows(&mut db, "PRAGMA cache_size"), ["7"]);
}

#[test]
fn limits_and_settings_hold_from_when_they_are_set() {
    let mut db = fresh();
    db.set_limit(SyncLimit::Column, 2).unwrap();
    assert_eq!(db.limit(SyncLimit::Column).unwrap(), 2);
    let wide = db.exec("CREATE TABLE t (a, b, c)").unwrap_err();
    assert_eq!(code(wide), SQLITE_ERROR);
    db.set_limit(SyncLimit::Column, i32::MAX).unwrap();
    assert_eq!(db.limit(SyncLimit::Column).unwrap(), 2000);
    db.exec("CREATE TABLE t (a, b, c)").unwrap();

    assert!(db.exec("SELECT \"nothing\"").is_err());
    db.configure(SyncSetting::DoubleQuotedStrings, true).unwrap();
    db.exec("SELECT \"nothing\"").unwrap();
    db.exec("CREATE VIRTUAL TABLE f USING fts5(x)").unwrap();
    assert!(db.exec("DELETE FROM f_data").is_err());
    db.configure(SyncSetting::Defensive, false).unwrap();
    db.exec("DELETE FROM f_data").unwrap();
}

#[test]
fn statements_tell_of_themselves() {
    let mut db = with("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)");
    let SyncPrepared::One(first) = db.prepare_first("SELECT ?, x FROM t; garbage").unwrap() else {
        panic!("there is a statement")
    };
    assert!(matches!(db.prepare_first(" -- nothing").unwrap(), SyncPrepared::Nothing));
    let one = || Some(Params::Positional(vec![Value::Null]));
    db.run(first.id, one()).unwrap();
    let counter = StatementCounter::FullscanStep;
    assert_eq!(db.statement_counter(first.id, counter, true).unwrap(), 1);
    assert_eq!(db.statement_counter(first.id, counter, false).unwrap(), 0);
    assert!(db.statement_counter(first.id, StatementCounter::MemoryUsed, false).unwrap() > 0);
    assert_eq!(db.counts().unwrap(), (2, 2));
}

#[test]
fn a_database_goes_out_and_comes_in_as_an_image() {
    let mut from = with(&format!("{TABLE}; INSERT INTO t VALUES (1, 'a')"));
    let image = from.serialize("main").unwrap();
    assert!(image.starts_with(b"SQLite format 3\0"));
    assert!(from.serialize("nothing").is_err());

    let host = host();
    let mut to = SyncSession::open(&host, actor("b"), OpenOptions::default()).unwrap();
    to.exec("CREATE TABLE other (x); INSERT INTO other VALUES (zeroblob(100000))").unwrap();
    let SyncPrepared::One(statement) = to.prepare("SELECT 1").unwrap() else { panic!() };
    to.deserialize(&image).unwrap();
    assert!(to.run(statement.id, Some(Params::None)).is_err());
    assert_eq!(rows(&mut to, "SELECT id, x FROM t"), ["1 a"]);
    assert_eq!(rows(&mut to, "SELECT name FROM sqlite_schema WHERE name = 'other'"), [""; 0]);
    to.exec("INSERT INTO t VALUES (2, 'b')").unwrap();
    assert_eq!(rows(&mut to, "PRAGMA integrity_check"), ["ok"]);
    to.close().unwrap();
    let mut again = SyncSession::open(&host, actor("b"), OpenOptions::default()).unwrap();
    assert_eq!(rows(&mut again, "SELECT id, x FROM t ORDER BY id"), ["1 a", "2 b"]);

    // It is what an image gives back.
    again.deserialize(&image).unwrap();
    assert_eq!(rows(&mut again, "SELECT count(*) FROM t"), ["1"]);
}

#[test]
fn images_that_cannot_be_taken_change_nothing() {
    let mut from = with(&format!("{TABLE}; INSERT INTO t VALUES (1, 'a')"));
    let image = from.serialize("main").unwrap();
    let mut small = image.clone();
    small[16..18].copy_from_slice(&1024u16.to_be_bytes());
    let mut to = with("CREATE TABLE mine (x)");
    for bad in [&b""[..], b"garbage", &small, &image[..100], &image[..image.len() - 1]] {
        assert!(to.deserialize(bad).is_err(), "{}", bad.len());
        assert_eq!(rows(&mut to, "SELECT name FROM sqlite_schema"), ["mine"]);
    }
    to.exec("BEGIN; INSERT INTO mine VALUES (1)").unwrap();
    assert!(to.deserialize(&image).is_err());
    to.exec("COMMIT").unwrap();
    let mut wal = image;
    wal[18..20].copy_from_slice(&[2, 2]);
    to.deserialize(&wal).unwrap();
    assert_eq!(rows(&mut to, "SELECT id, x FROM t"), ["1 a"]);
    let options = OpenOptions { readonly: true, ..OpenOptions::default() };
    let host = host();
    SyncSession::open(&host, actor("c"), OpenOptions::default()).unwrap().exec(TABLE).unwrap();
    let mut readonly = SyncSession::open(&host, actor("c"), options).unwrap();
    assert!(readonly.deserialize(&wal).is_err());
}
