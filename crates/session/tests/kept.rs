//! What goes on when a session sleeps and wakes: counts, settings, prepared statements.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use actor_sqlite_pagestore::MemPageStore;
use actor_sqlite_session::*;
use common::*;

fn mem() -> (Arc<MemPageStore>, Host) {
    let store = Arc::new(MemPageStore::new());
    (store.clone(), host_with(store, 2, 8, Arc::new(SystemClock)))
}

/// Rows of a statement, or of a PRAGMA that returns none.
fn ask(db: &Db, sql: &str) -> Vec<Row> {
    db.all(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

#[test]
fn counts_go_on() {
    let (_, host) = mem();
    let (sleeper, other) = (open(&host, "a"), open(&host, "b"));
    let steps = [
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b)",
        "CREATE TABLE log (n, m)",
        "SELECT 1",
        "INSERT INTO t VALUES (41, 1), (42, 2), (43, 3)",
        "SELECT 1",
        "UPDATE t SET b = 7 WHERE a = 42",
        "UPDATE t SET b = 8 WHERE a = 99",
        "INSERT INTO t VALUES (50, 1), (51, 2)",
        "INSERT INTO log VALUES (changes(), total_changes())",
        "CREATE TRIGGER g AFTER DELETE ON t BEGIN INSERT INTO log VALUES (changes(), total_changes()); \
         UPDATE log SET m = m WHERE n = -1; INSERT INTO log VALUES (changes(), last_insert_rowid()); END",
        "DELETE FROM t WHERE a > 49",
        "CREATE TABLE checked (a CHECK (a < 10))",
        "INSERT INTO checked VALUES (1), (11)",
        "INSERT OR FAIL INTO checked VALUES (1), (2), (11)",
        "DELETE FROM log",
        "VACUUM",
        "CREATE VIEW v AS SELECT changes(), total_changes(), last_insert_rowid()",
        "SELECT * FROM v",
    ];
    for sql in steps {
        assert!(doze(&host, &sleeper));
        let run = |db: &Db| db.all(sql).map_err(|error| format!("{error:?}"));
        assert_eq!(run(&sleeper), run(&other), "{sql}");
        for _ in 0..2 {
            let counts = "SELECT changes(), total_changes(), last_insert_rowid()";
            assert_eq!(ask(&sleeper, counts), ask(&other, counts), "after {sql}");
            assert!(doze(&host, &sleeper));
        }
    }
    assert_eq!(ask(&sleeper, "SELECT * FROM log"), ask(&other, "SELECT * FROM log"));
    let kept = sleeper.run("INSERT INTO t VALUES (NULL, 1)").unwrap();
    assert_eq!(kept, other.run("INSERT INTO t VALUES (NULL, 1)").unwrap());
    assert_eq!(sleeper.run("CREATE INDEX i ON t (b)").unwrap().changes, 0);
}

/// Values that differ from the default, of each setting that the session keeps.
const SETTINGS: &[(&str, &str)] = &[
    ("analysis_limit", "400"),
    ("automatic_index", "0"),
    ("busy_timeout", "77"),
    ("checkpoint_fullfsync", "1"),
    ("defer_foreign_keys", "1"),
    ("foreign_keys", "0"),
    ("fullfsync", "1"),
    ("ignore_check_constraints", "1"),
    ("journal_size_limit", "100000"),
    ("legacy_alter_table", "1"),
    ("max_page_count", "5000"),
    ("query_only", "1"),
    ("read_uncommitted", "1"),
    ("recursive_triggers", "1"),
    ("reverse_unordered_selects", "1"),
    ("secure_delete", "1"),
    ("synchronous", "1"),
    ("temp_store", "1"),
    ("wal_autocheckpoint", "33"),
];

#[test]
fn settings_go_on() {
    let (store, host) = mem();
    let db = open(&host, "a");
    db.script("CREATE TABLE t (a CHECK (a < 10)); INSERT INTO t VALUES (1), (2), (3)").unwrap();
    for (name, value) in SETTINGS {
        let expected = int(value.parse().unwrap());
        let question = format!("PRAGMA {name}");
        let default = db.one(&question);
        assert_ne!(default, expected, "{name}: not a change");
        ask(&db, &format!("PRAGMA {name} = {value}"));
        assert_eq!(db.one(&question), expected, "{name}");
        for _ in 0..2 {
            assert!(doze(&host, &db), "{name}");
            assert_eq!(db.one(&question), expected, "{name}");
        }
        if *name == "temp_store" {
            continue; // There is no way back.
        }
        let Value::Integer(default) = default else { panic!("{default:?}") };
        ask(&db, &format!("PRAGMA {name} = {default}"));
        assert!(doze(&host, &db), "{name}");
        assert_eq!(db.one(&question), int(default), "{name}");
    }
    ask(&db, "PRAGMA secure_delete = FAST");
    assert!(doze(&host, &db));
    assert_eq!(db.one("PRAGMA secure_delete"), int(2));
    ask(&db, "PRAGMA case_sensitive_like = ON");
    assert!(doze(&host, &db));
    assert_eq!(ask(&db, "SELECT 'a' LIKE 'A', 'a' LIKE 'a'"), [[int(0), int(1)]]);
    ask(&db, "PRAGMA case_sensitive_like = OFF");
    assert!(doze(&host, &db));
    assert_eq!(db.one("SELECT 'a' LIKE 'A'"), int(1));
    ask(&db, "PRAGMA reverse_unordered_selects = ON");
    assert!(doze(&host, &db));
    assert_eq!(ask(&db, "SELECT a FROM t"), [[int(3)], [int(2)], [int(1)]]);
    let commits = store.counts().commits;
    for _ in 0..3 {
        assert!(doze(&host, &db));
        db.one("SELECT 1");
    }
    assert_eq!(store.counts().commits, commits, "waking with settings writes nothing");
}

#[test]
fn settings_of_a_file_to_come_go_on() {
    let (_, host) = mem();
    let db = open(&host, "a");
    ask(&db, "PRAGMA encoding = 'UTF-16le'");
    assert!(doze(&host, &db));
    db.run("CREATE TABLE t (a)").unwrap();
    assert_eq!(db.one("PRAGMA encoding"), text("UTF-16le"));
    ask(&db, "PRAGMA auto_vacuum = INCREMENTAL");
    for _ in 0..2 {
        assert!(doze(&host, &db));
        assert_eq!(db.one("PRAGMA auto_vacuum"), int(0));
    }
    db.run("VACUUM").unwrap();
    assert_eq!(db.one("PRAGMA auto_vacuum"), int(2));
    assert_eq!(db.one("PRAGMA encoding"), text("UTF-16le"));
    let fresh = open(&host, "b");
    ask(&fresh, "PRAGMA auto_vacuum = FULL");
    assert!(doze(&host, &fresh), "{:?}", host.executor.sleep_metrics());
    fresh.run("CREATE TABLE t (a)").unwrap();
    assert_eq!(fresh.one("PRAGMA auto_vacuum"), int(1));
}

/// Each PRAGMA that SQLite knows is one that goes on, or there is a reason why it need not.
#[test]
fn no_setting_is_forgotten() {
    /// Ours, ignored, or refused.
    const FIXED: &str = "cache_size cache_spill cell_size_check count_changes data_store_directory \
        default_cache_size empty_result_callbacks full_column_names hard_heap_limit journal_mode \
        locking_mode mmap_size page_size short_column_names soft_heap_limit temp_store_directory \
        threads trusted_schema writable_schema";
    /// In the file.
    const STORED: &str = "application_id schema_version user_version";
    /// Questions and actions.
    const NO_SETTING: &str = "collation_list compile_options data_version database_list \
        foreign_key_check foreign_key_list freelist_count function_list incremental_vacuum index_info \
        index_list index_xinfo integrity_check module_list optimize page_count pragma_list \
        quick_check shrink_memory table_info table_list table_xinfo wal_checkpoint";
    let db = fresh();
    let kept: Vec<&str> = SETTINGS.iter().map(|(name, _)| *name).collect();
    let others = [FIXED, STORED, NO_SETTING, "case_sensitive_like auto_vacuum encoding"];
    for row in ask(&db, "PRAGMA pragma_list") {
        let Value::Text(name) = &row[0] else { panic!("{row:?}") };
        let known = kept.contains(&name.as_str())
            || others.iter().any(|names| names.split_whitespace().any(|it| it == name));
        assert!(known, "PRAGMA {name}: does it go on when a session sleeps?");
    }
}

#[test]
fn tight_limits_do_not_keep_it_from_sleeping() {
    let (_, host) = mem();
    let limits = Limits { sql_length: Some(150), vdbe_op: Some(200), ..Limits::default() };
    let db = try_open(&host, "a", OpenOptions { limits, ..OpenOptions::default() }).unwrap();
    let long = format!("SELECT '{}'", "x".repeat(150));
    db.run("PRAGMA case_sensitive_like=ON").unwrap();
    assert!(doze(&host, &db));
    assert_eq!(db.one("SELECT 'a' LIKE 'A'"), int(0));
    assert!(db.run(&long).is_err());
    db.run("CREATE TEMP TABLE x (a)").unwrap();
    assert!(!doze(&host, &db));
    assert_eq!(host.executor.sleep_metrics().held_by_temp, 1);
    assert!(db.run(&long).is_err());
}

#[test]
fn prepared_statements_go_on() {
    let (_, host) = mem();
    let db = open(&host, "a");
    db.script("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
    let prepare = |sql: &str| match db.call(Action::Prepare(sql.into())).unwrap() {
        Answer::Prepared(info) => info.id,
        answer => panic!("{answer:?}"),
    };
    let select = prepare("SELECT a FROM t WHERE a >= ?");
    let (dropped, pragma) = (prepare("SELECT 2"), prepare("PRAGMA foreign_keys = OFF"));
    ask(&db, "PRAGMA foreign_keys = ON");
    let all = || {
        let params = Params::Positional(vec![int(0)]);
        let source = Source::Prepared(select);
        db.call(Action::Execute { source, params, want: Want::All }).map(rows_of)
    };
    for _ in 0..3 {
        let compiled = db.session.metrics().statements.prepared;
        assert!(doze(&host, &db));
        assert_eq!(values(&all().unwrap()), [[int(1)]]);
        assert_eq!(values(&all().unwrap()), [[int(1)]]);
        assert_eq!(db.session.metrics().statements.prepared, compiled + 1, "once a wake");
        assert_eq!(db.one("PRAGMA foreign_keys"), int(1), "it was not run by waking");
    }
    assert!(doze(&host, &db));
    db.call(Action::Finalize(dropped)).unwrap();
    assert!(db.session.metrics().asleep, "it needs no connection for that");
    let gone = Action::Execute {
        source: Source::Prepared(dropped),
        params: Params::None,
        want: Want::All,
    };
    assert!(matches!(db.call(gone), Err(SessionError::Usage { .. })));
    assert!(matches!(db.call(Action::Finalize(dropped)), Err(SessionError::Usage { .. })));
    let set =
        Action::Execute { source: Source::Prepared(pragma), params: Params::None, want: Want::Run };
    db.call(set).unwrap();
    assert_eq!(db.one("PRAGMA foreign_keys"), int(0));
    assert!(doze(&host, &db));
    db.run("DROP TABLE t").unwrap();
    assert!(doze(&host, &db));
    assert!(all().is_err());
    db.script("CREATE TABLE t (a); INSERT INTO t VALUES (5)").unwrap();
    assert_eq!(values(&all().unwrap()), [[int(5)]], "it comes back with its table");
}

#[test]
fn an_ended_transaction_is_remembered() {
    let (_, host) = mem();
    let db = open(&host, "a");
    let first = db.begin();
    db.call_in(first, Action::Rollback).unwrap();
    assert!(doze(&host, &db));
    let over = db.call_in(first, run("CREATE TABLE t (a)"));
    assert!(
        matches!(over, Err(SessionError::TransactionOver { reason }) if reason.contains("rolled back"))
    );
    assert!(doze(&host, &db));
    db.call_in(first, Action::Rollback).unwrap();
    assert_ne!(db.begin(), first, "ids are not used again");
}
