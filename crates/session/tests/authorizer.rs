//! What SQL may not do. Each statement with the code it must get; and what must work beside it.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use actor_sqlite_pagestore::MemPageStore;
use actor_sqlite_session::*;
use common::*;
use rusqlite::ffi::{SQLITE_AUTH as AUTH, SQLITE_ERROR as ERROR};

/// Statements that must fail, by their primary code.
const REFUSED: &[(i32, &str)] = &[
    // Other files.
    (AUTH, "ATTACH 'other.db' AS o"),
    (AUTH, "ATTACH DATABASE '/etc/passwd' AS o"),
    (AUTH, "ATTACH '' AS o"),
    (AUTH, "ATTACH ':memory:' AS o"),
    (AUTH, "ATTACH 'file::memory:?cache=shared' AS o"),
    (AUTH, "ATTACH 'file:/tmp/x?vfs=unix' AS o"),
    (AUTH, "ATTACH '/actor-sqlite/1' AS o"),
    (AUTH, "ATTACH '/actor-sqlite/0' AS o"),
    (AUTH, "ATTACH '' || 'x' AS o"),
    (AUTH, "ATTACH (SELECT 'x.db') AS o"),
    (AUTH, "ATTACH ?1 AS o"),
    (AUTH, "ATTACH x'782e6462' AS o"),
    (AUTH, "ATTACH NULL AS o"),
    (AUTH, "attach/**/'x'as o"),
    (AUTH, "EXPLAIN ATTACH 'x.db' AS o"),
    (AUTH, "DETACH main"),
    (AUTH, "DETACH temp"),
    (AUTH, "DETACH DATABASE o"),
    (AUTH, "VACUUM INTO '/tmp/stolen.db'"),
    (AUTH, "VACUUM INTO 'stolen.db'"),
    (AUTH, "VACUUM main INTO '/tmp/stolen.db'"),
    (AUTH, "VACUUM INTO 'file:/tmp/stolen.db?vfs=unix'"),
    (AUTH, "VACUUM INTO '/actor-sqlite/1'"),
    (AUTH, "VACUUM INTO (SELECT '/tmp/stolen.db')"),
    // Code from outside.
    (ERROR, "SELECT load_extension('x')"),
    (ERROR, "SELECT load_extension('x', 'y')"),
    (ERROR, "SELECT fts3_tokenizer('simple')"),
    (ERROR, "SELECT fts3_tokenizer('simple', x'00')"),
    (ERROR, "SELECT readfile('/etc/passwd')"),
    (ERROR, "SELECT writefile('/tmp/x', 'y')"),
    (ERROR, "SELECT edit('x')"),
    (ERROR, "SELECT fsdir('/')"),
    (ERROR, "SELECT * FROM fsdir('/')"),
    (ERROR, "SELECT * FROM sqlite_dbpage"),
    (ERROR, "SELECT * FROM sqlite_dbdata"),
    (ERROR, "CREATE VIRTUAL TABLE v USING csv(filename='/etc/passwd')"),
    (ERROR, "CREATE VIRTUAL TABLE v USING zipfile('/tmp/x.zip')"),
    (ERROR, "CREATE VIRTUAL TABLE v USING unionvtab('x')"),
    // The schema table and shadow tables.
    (AUTH, "PRAGMA writable_schema = ON"),
    (AUTH, "PRAGMA writable_schema = 1"),
    (AUTH, "PRAGMA writable_schema = RESET"),
    (AUTH, "PRAGMA Writable_Schema(1)"),
    (AUTH, "PRAGMA main.writable_schema = 1"),
    (AUTH, "PRAGMA temp.writable_schema = 1"),
    (AUTH, "EXPLAIN PRAGMA writable_schema = 1"),
    (ERROR, "UPDATE sqlite_schema SET sql = 'x'"),
    (ERROR, "DELETE FROM sqlite_master"),
    (ERROR, "INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 2, 'x')"),
    (ERROR, "UPDATE sqlite_temp_schema SET sql = 'x'"),
    (ERROR, "DROP TABLE sqlite_schema"),
    (ERROR, "ALTER TABLE sqlite_schema RENAME TO x"),
    (ERROR, "CREATE TABLE sqlite_x (a)"),
    (ERROR, "CREATE INDEX i ON sqlite_schema (name)"),
    (ERROR, "UPDATE f_data SET block = x'00'"),
    (ERROR, "DELETE FROM f_idx"),
    (ERROR, "INSERT INTO f_content VALUES (1, 'x')"),
    (ERROR, "DROP TABLE f_config"),
    (ERROR, "UPDATE r_node SET data = x'00'"),
    // Strings in double quotes.
    (ERROR, "SELECT \"no column\""),
    (ERROR, "CREATE TABLE x (a CHECK (a <> \"text\"))"),
];

/// Statements that must not fail, and must not do what they say.
const IGNORED: &[(&str, &str)] = &[
    ("journal_mode", "WAL"),
    ("journal_mode", "OFF"),
    ("journal_mode", "MEMORY"),
    ("journal_mode", "DELETE"),
    ("locking_mode", "EXCLUSIVE"),
    ("cache_spill", "OFF"),
    ("cache_spill", "1"),
    ("page_size", "8192"),
    ("mmap_size", "1000000"),
    ("cache_size", "1000000"),
    ("soft_heap_limit", "1000000"),
    ("hard_heap_limit", "1000000"),
    ("threads", "8"),
    ("trusted_schema", "ON"),
    ("cell_size_check", "OFF"),
    ("count_changes", "ON"),
    ("full_column_names", "ON"),
    ("short_column_names", "OFF"),
    ("empty_result_callbacks", "ON"),
];

fn setting(db: &Db, name: &str) -> Option<Value> {
    let rows = db.all(&format!("PRAGMA {name}")).unwrap();
    Some(rows.first()?[0].clone())
}

fn prepared_database() -> (Arc<MemPageStore>, Db) {
    let store = Arc::new(MemPageStore::new());
    let host = host_with(store.clone(), 1, 2, Arc::new(SystemClock));
    let db = open(&host, "a");
    db.script(
        "CREATE TABLE t (a); INSERT INTO t VALUES (1); \
               CREATE VIRTUAL TABLE f USING fts5(x); CREATE VIRTUAL TABLE r USING rtree(i, a, b)",
    )
    .unwrap();
    (store, db)
}

#[test]
fn refused() {
    let (store, db) = prepared_database();
    let commits = store.counts().commits;
    for (expected, sql) in REFUSED {
        let params = match sql.contains("?1") {
            true => Params::Positional(vec![text("x.db")]),
            false => Params::None,
        };
        let result = db.all_with(sql, params);
        assert!(result.is_err(), "{sql}");
        let got = code(result);
        assert_eq!(got & 0xff, *expected, "{sql}");
        if !sql.contains("?1") {
            assert_eq!(code(db.script(sql)) & 0xff, *expected, "script: {sql}");
        }
    }
    assert!(REFUSED.len() + IGNORED.len() >= 60);
    assert_eq!(
        db.one("SELECT count(*) FROM pragma_database_list WHERE name NOT IN ('main', 'temp')"),
        int(0)
    );
    assert_eq!(store.counts().commits, commits, "nothing was written");
    assert_eq!(db.one("PRAGMA integrity_check"), text("ok"));
    assert!(!std::path::Path::new("/tmp/stolen.db").exists());
}

#[test]
fn ignored() {
    let (_, db) = prepared_database();
    for (name, value) in IGNORED {
        let before = setting(&db, name);
        for prefix in ["", "main.", "temp."] {
            for form in [format!("{name} = {value}"), format!("{name}({value})")] {
                db.all(&format!("PRAGMA {prefix}{form}")).unwrap();
                assert_eq!(setting(&db, name), before, "PRAGMA {prefix}{form}");
            }
        }
        db.all(&format!("SELECT * FROM pragma_{name}")).ok();
    }
    assert_eq!(setting(&db, "journal_mode"), Some(text("truncate")));
    db.run("PRAGMA temp_store = MEMORY").unwrap();
    assert_eq!(setting(&db, "temp_store"), Some(int(1)), "that is FILE");
    for value in ["OFF", "0", "8", "256", "nonsense"] {
        db.all(&format!("PRAGMA synchronous = {value}")).unwrap();
        assert_eq!(setting(&db, "synchronous"), Some(int(1)), "NORMAL is the least");
    }
    assert_eq!(setting(&db, "locking_mode"), Some(text("normal")));
    let batches = db.session.metrics().vfs.commits_batch;
    db.run("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(db.session.metrics().vfs.commits_batch, batches + 1, "the batch route is intact");
    db.run("VACUUM").unwrap();
    assert_eq!(setting(&db, "page_size"), Some(int(4096)));
}

#[test]
fn what_works() {
    let (_, db) = prepared_database();
    db.run("VACUUM").unwrap();
    db.script("VACUUM; VACUUM main; ANALYZE; REINDEX; PRAGMA optimize").unwrap();
    for (name, value) in [
        ("user_version", 7),
        ("application_id", 9),
        ("foreign_keys", 0),
        ("recursive_triggers", 1),
        ("secure_delete", 1),
        ("query_only", 1),
        ("query_only", 0),
        ("analysis_limit", 400),
        ("automatic_index", 0),
    ] {
        db.all(&format!("PRAGMA {name} = {value}")).unwrap();
        assert_eq!(setting(&db, name), Some(int(value)), "{name}");
    }
    for sql in [
        "PRAGMA table_info(t)",
        "PRAGMA integrity_check",
        "PRAGMA quick_check(1)",
        "PRAGMA compile_options",
        "PRAGMA foreign_key_check",
        "PRAGMA wal_checkpoint",
        "PRAGMA busy_timeout = 1000",
        "PRAGMA no_such_pragma = 1",
        "PRAGMA schema_version",
        "SELECT * FROM pragma_table_info('t')",
        "SELECT * FROM dbstat",
        "SELECT sqlite_version(), sin(1), json('[1]')",
        "EXPLAIN QUERY PLAN SELECT * FROM t",
    ] {
        db.all(sql).unwrap();
    }
    db.script("CREATE TEMP TABLE x (a); INSERT INTO x VALUES (1); SELECT * FROM temp.x").unwrap();
}

/// A hostile schema cannot make a harmless statement do more than its own text could.
#[test]
fn the_schema_is_not_trusted() {
    let (_, db) = prepared_database();
    assert_eq!(setting(&db, "trusted_schema"), Some(int(0)));
    for (i, function) in ["fts3_tokenizer", "load_extension"].iter().enumerate() {
        db.run(&format!("CREATE VIEW w{i} AS SELECT {function}('x')")).unwrap();
        assert_eq!(code(db.all(&format!("SELECT * FROM w{i}"))) & 0xff, ERROR);
    }
}
