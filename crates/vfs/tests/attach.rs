//! Nothing a statement says reaches a file of the host or another actor's database.
#![allow(clippy::unwrap_used)]

mod support;
use rusqlite::ffi;
use support::*;

#[test]
fn files_of_the_host_are_refused() {
    let bench = Bench::new(Settings::default());
    let db = bench.open();
    db.exec("CREATE TABLE t(a)");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.db");
    std::fs::write(&path, b"").unwrap();
    for name in [path.to_str().unwrap(), "other.db", "/etc/passwd", "file:other.db?vfs=unix"] {
        assert_eq!(db.failure(&format!("ATTACH '{name}' AS x")).0, ffi::SQLITE_CANTOPEN, "{name}");
        let code = db.failure(&format!("VACUUM INTO '{name}-copy'")).0;
        assert_eq!(code, ffi::SQLITE_CANTOPEN, "{name}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    db.exec("INSERT INTO t VALUES(1)");
    db.check();
}

#[test]
fn files_of_other_mounts_are_refused() {
    let bench = Bench::new(Settings::default());
    let db = bench.open();
    db.exec("CREATE TABLE t(a)");
    let own = db.mount.file_name();
    for name in [own.to_owned(), format!("{own}-journal"), "/actor-sqlite/999999".to_owned()] {
        assert_eq!(db.failure(&format!("ATTACH '{name}' AS x")).0, ffi::SQLITE_CANTOPEN, "{name}");
    }
    db.check();
}

#[test]
fn databases_in_memory_can_be_attached() {
    for cache_spill in [10, 2000] {
        let bench = Bench::new(Settings { cache_spill, ..Settings::default() });
        let db = bench.open();
        db.exec("ATTACH ':memory:' AS m; ATTACH '' AS temporary");
        db.exec("CREATE TABLE t(a, b); CREATE TABLE m.t(a, b); CREATE TABLE temporary.t(a, b)");
        let commits = bench.store.counts().commits;
        db.exec(&format!("BEGIN; INSERT INTO main.t {0}; INSERT INTO m.t {0}", rows(200, 900)));
        db.exec("INSERT INTO temporary.t SELECT * FROM main.t; COMMIT");
        assert_eq!(bench.store.counts().commits, commits + 1);
        db.exec("BEGIN; DELETE FROM main.t; DELETE FROM m.t; DELETE FROM temporary.t; ROLLBACK");
        assert_eq!(db.int("SELECT count(*) FROM temporary.t JOIN main.t USING(a)"), 200);
        db.check();
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t"), 200);
        db.check();
    }
}
