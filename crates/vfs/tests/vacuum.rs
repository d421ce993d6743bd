//! Shrinking: the new size is in the commit itself, taken from page 1, and the truncation SQLite
//! does afterwards finds nothing to do.
#![allow(clippy::unwrap_used)]

mod support;
use support::*;

fn fill_and_empty(db: &Db) {
    db.exec(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(800, 900)));
    db.exec("DELETE FROM t WHERE a > 10");
}

fn vacuum(settings: Settings) {
    let bench = Bench::new(settings);
    let db = bench.open();
    fill_and_empty(&db);
    let (before, commits) = (head(&bench), bench.store.counts().commits);
    assert!(before.size > 100);
    db.exec("VACUUM");
    let after = head(&bench);
    assert!(after.size < 10, "{} pages", after.size);
    assert_eq!(after.txid, before.txid.next(), "one commit, and the size is in it");
    assert_eq!(bench.store.counts().commits, commits + 1);
    db.check();
    db.exec(&format!("INSERT INTO t SELECT i+10, v FROM (SELECT i, v FROM ({}))", named_rows()));
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT count(*) FROM t"), 410);
    db.check();
}

fn named_rows() -> &'static str {
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<400)
     SELECT i, zeroblob(700) AS v FROM n"
}

#[test]
fn vacuum_by_the_batch_route() {
    vacuum(Settings::default());
}

#[test]
fn vacuum_that_spills() {
    vacuum(Settings { cache_spill: 10, ..Settings::default() });
}

#[test]
fn vacuum_with_a_full_cache_of_another_state() {
    vacuum(Settings { cache_bytes: 0, ..Settings::default() });
}

#[test]
fn vacuum_rolled_back_by_the_store_changes_nothing() {
    let bench = Bench::new(Settings { cache_spill: 10, ..Settings::default() });
    let db = bench.open();
    fill_and_empty(&db);
    let before = head(&bench);
    bench.store.fail_next_commit(unavailable());
    let (_, cause) = db.failure("VACUUM");
    assert_eq!(cause, Some(unavailable()));
    assert_eq!(head(&bench), before);
    db.check();
    db.exec("VACUUM");
    assert!(head(&bench).size < 10);
    db.check();
}

#[test]
fn auto_vacuum_full_shrinks_with_each_commit() {
    for cache_spill in [10, 2000] {
        let settings = Settings { auto_vacuum: "full", cache_spill, ..Settings::default() };
        let bench = Bench::new(settings);
        let db = bench.open();
        assert_eq!(db.int("PRAGMA auto_vacuum"), 1);
        fill_and_empty(&db);
        assert!(head(&bench).size < 20, "{} pages", head(&bench).size);
        db.check();
        db.exec(&format!("BEGIN; DELETE FROM t; INSERT INTO t {}", rows(300, 900)));
        db.exec("DELETE FROM t WHERE a > 5; COMMIT");
        db.check();
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t"), 5);
        db.check();
    }
}

#[test]
fn incremental_vacuum_shrinks_on_demand() {
    let bench = Bench::new(Settings { auto_vacuum: "incremental", ..Settings::default() });
    let db = bench.open();
    fill_and_empty(&db);
    let before = head(&bench).size;
    drain(&db, "PRAGMA incremental_vacuum(50)");
    assert_eq!(head(&bench).size, before - 50);
    drain(&db, "PRAGMA incremental_vacuum");
    assert!(head(&bench).size < 20);
    db.check();
    db.exec("DROP TABLE t");
    drain(&db, "PRAGMA incremental_vacuum");
    assert!(head(&bench).size < 4);
    db.check();
}

/// Steps a statement to its end: this PRAGMA frees a page a step.
fn drain(db: &Db, sql: &str) {
    let mut statement = db.sql.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    while rows.next().unwrap().is_some() {}
}
