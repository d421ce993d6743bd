//! The first commit of an empty database goes by the journal, every later one by the batch route.
#![allow(clippy::unwrap_used)]

mod support;
use support::*;

#[test]
fn create_insert_reopen() {
    let bench = Bench::new(Settings::default());
    let db = bench.open();
    assert_eq!(head(&bench).size, 0);
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    assert_eq!((db.metrics().commits_sync, db.metrics().commits_batch), (1, 0));
    db.exec("INSERT INTO t VALUES(1,'one')");
    assert_eq!((db.metrics().commits_sync, db.metrics().commits_batch), (1, 1));
    assert_eq!(head(&bench).txid.get(), 2);
    assert_eq!(db.mount.head(), head(&bench));
    let db = db.reopen(&bench);
    assert_eq!(db.text("SELECT b FROM t WHERE a=1"), "one");
    db.exec("INSERT INTO t VALUES(2,'two')");
    assert_eq!((db.metrics().commits_sync, db.metrics().commits_batch), (0, 1));
    db.check();
}

#[test]
fn an_empty_database_can_be_read() {
    let bench = Bench::new(Settings::default());
    let db = bench.open();
    assert_eq!(db.int("SELECT count(*) FROM sqlite_schema"), 0);
    db.check();
    assert_eq!(bench.store.counts().commits, 0);
}

#[test]
fn a_first_transaction_rolled_back_leaves_nothing() {
    let bench = Bench::new(Settings { cache_spill: 10, ..Settings::default() });
    let db = bench.open();
    db.exec(&format!("BEGIN; CREATE TABLE t(a, b); INSERT INTO t {}", rows(500, 1000)));
    assert!(db.metrics().write_buffer_dirty_pages > 0);
    db.exec("ROLLBACK");
    assert_eq!(bench.store.counts().commits, 0);
    assert_eq!(db.metrics().write_buffer_dirty_pages, 0);
    assert_eq!(db.int("SELECT count(*) FROM sqlite_schema"), 0);
    db.exec("CREATE TABLE t(a)");
    assert_eq!(head(&bench).txid.get(), 1);
    db.check();
}

#[test]
fn the_probe_passes() {
    actor_sqlite_vfs::probe().unwrap();
}
