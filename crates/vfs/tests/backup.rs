//! SQLite's backup in both directions: how a database is imported and exported.
#![allow(clippy::unwrap_used)]

mod support;
use actor_sqlite_pagestore::StoreError;
use rusqlite::Connection;
use rusqlite::backup::Backup;
use support::*;

fn source(page_size: u32) -> Connection {
    let source = Connection::open_in_memory().unwrap();
    let fill =
        format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(500, 900));
    source.execute_batch(&format!("PRAGMA page_size={page_size}; {fill}")).unwrap();
    source
}

fn copy(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    let backup = Backup::new(from, to)?;
    while let rusqlite::backup::StepResult::More = backup.step(20)? {}
    Ok(())
}

#[test]
fn import_and_export() {
    for cache_spill in [10, 2000] {
        for existing in [false, true] {
            let bench = Bench::new(Settings { cache_spill, ..Settings::default() });
            let mut db = bench.open();
            if existing {
                db.exec(&format!("CREATE TABLE u(a, b); INSERT INTO u {}", rows(2000, 900)));
            }
            let before = bench.store.counts().commits;
            copy(&source(4096), &mut db.sql).unwrap();
            assert_eq!(bench.store.counts().commits, before + 1, "an import is one commit");
            let db = db.reopen(&bench);
            assert_eq!(db.int("SELECT sum(length(b)) FROM t"), 450_000);
            assert_eq!(db.int("SELECT count(*) FROM sqlite_schema"), 1);
            db.check();
            db.exec("BEGIN; DELETE FROM t WHERE a = 1");
            db.exec("COMMIT");
            let mut out = Connection::open_in_memory().unwrap();
            copy(&db.sql, &mut out).unwrap();
            let count: i64 = out.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
            assert_eq!(count, 499);
        }
    }
}

#[test]
fn an_import_that_fails_leaves_the_database_as_it_was() {
    for cache_spill in [10, 2000] {
        let bench = Bench::new(Settings { cache_spill, ..Settings::default() });
        let mut db = bench.open();
        db.exec("CREATE TABLE u(a); INSERT INTO u VALUES(7)");
        let before = head(&bench);
        bench.store.fail_next_commit(unavailable());
        assert!(copy(&source(4096), &mut db.sql).is_err());
        assert_eq!(db.mount.take_error(), Some(unavailable()));
        assert_eq!(head(&bench), before);
        assert_eq!(db.int("SELECT a FROM u"), 7);
        db.check();
        db.exec("INSERT INTO u VALUES(8)");
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT sum(a) FROM u"), 15);
        db.check();
    }
}

#[test]
fn an_import_of_another_page_size_is_refused() {
    for existing in [false, true] {
        let bench = Bench::new(Settings::default());
        let mut db = bench.open();
        if existing {
            db.exec("CREATE TABLE u(a); INSERT INTO u VALUES(7)");
        }
        let before = head(&bench);
        assert!(copy(&source(1024), &mut db.sql).is_err());
        let cause = db.mount.take_error();
        assert!(matches!(cause, Some(StoreError::Invalid { .. })), "{cause:?}");
        assert_eq!(head(&bench), before);
        let db = db.reopen(&bench);
        db.exec("CREATE TABLE IF NOT EXISTS u(a); INSERT INTO u VALUES(8)");
        assert_eq!(db.int("SELECT count(*) FROM u"), 1 + i64::from(existing));
        db.check();
    }
}
