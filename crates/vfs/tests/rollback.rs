//! What a rollback costs: nothing before a spill, and never a commit.
#![allow(clippy::unwrap_used)]

mod support;
use support::*;

#[test]
fn a_rollback_in_sqlites_cache_writes_nothing() {
    let bench = Bench::new(Settings::default());
    let db = bench.open();
    db.exec(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(50, 500)));
    let (vfs, store) = (db.metrics(), bench.store.counts());
    db.exec("BEGIN; UPDATE t SET b = zeroblob(400); INSERT INTO t VALUES(100, 1); ROLLBACK");
    assert_eq!(bench.store.counts(), store);
    let after = db.metrics();
    assert_eq!(after.pages_written, vfs.pages_written);
    assert_eq!((after.rollbacks, after.commits_empty), (vfs.rollbacks, vfs.commits_empty));
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 500"), 50);
    db.check();
}

#[test]
fn a_rollback_after_a_spill_commits_nothing() {
    let bench = Bench::new(Settings { cache_spill: 10, ..Settings::default() });
    let db = bench.open();
    db.exec(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(400, 900)));
    let (before, commits) = (head(&bench), bench.store.counts().commits);
    db.exec("BEGIN; UPDATE t SET b = zeroblob(850)");
    db.exec(&format!(
        "INSERT INTO t SELECT a + 1000, b FROM t; CREATE TABLE u AS {}",
        rows(200, 900)
    ));
    assert!(db.metrics().write_buffer_dirty_pages > 100);
    db.exec("ROLLBACK");
    assert_eq!((head(&bench), bench.store.counts().commits), (before, commits));
    assert_eq!(db.metrics().rollbacks, 1);
    assert_eq!(db.metrics().write_buffer_dirty_pages, 0);
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 400);
    db.check();
    let batch = db.metrics().commits_batch;
    db.exec("INSERT INTO t VALUES(9999, 'after')");
    assert_eq!(db.metrics().commits_batch, batch + 1, "the batch route is back");
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT count(*) FROM t"), 401);
    db.check();
}

#[test]
fn a_rollback_after_a_spill_that_shrank_the_file() {
    let settings = Settings { cache_spill: 10, auto_vacuum: "incremental", ..Settings::default() };
    let bench = Bench::new(settings);
    let db = bench.open();
    db.exec(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(400, 900)));
    let before = head(&bench);
    db.exec("BEGIN; DELETE FROM t WHERE a > 20; PRAGMA incremental_vacuum; ");
    db.exec(&format!("CREATE TABLE u AS {}; ROLLBACK", rows(100, 900)));
    assert_eq!(head(&bench), before);
    assert_eq!(db.int("SELECT count(*) FROM t"), 400);
    db.check();
}
