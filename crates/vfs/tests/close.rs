//! Closing never commits, and ends the lease.
#![allow(clippy::unwrap_used)]

mod support;
use actor_sqlite_pagestore::StoreError;
use actor_sqlite_vfs::ReadOptions;
use support::*;

#[test]
fn closing_in_a_transaction_drops_it() {
    for cache_spill in [10, 2000] {
        let bench = Bench::new(Settings { cache_spill, ..Settings::default() });
        let db = bench.open();
        db.exec(&format!("CREATE TABLE t(a, b); INSERT INTO t {}", rows(100, 900)));
        let before = head(&bench);
        db.exec(&format!("BEGIN; DELETE FROM t; INSERT INTO t {}", rows(500, 900)));
        let db = db.reopen(&bench);
        assert_eq!(head(&bench), before, "spill {cache_spill}");
        assert_eq!(db.int("SELECT count(*) FROM t"), 100);
        db.check();
    }
}

#[test]
fn a_closed_mount_answers_nothing_more() {
    let bench = Bench::new(Settings { cache_spill: 10, ..Settings::default() });
    let db = bench.open();
    db.exec("CREATE TABLE t(a, b)");
    db.exec(&format!("BEGIN; INSERT INTO t {}", rows(200, 900)));
    let before = head(&bench);
    db.mount.close();
    db.mount.close();
    assert_eq!(bench.store.counts().releases, 1);
    assert_eq!(db.mount.poison(), Some(StoreError::Closed));
    let (_, cause) = db.failure("COMMIT");
    assert_eq!(cause, Some(StoreError::Closed));
    assert!(db.sql.execute_batch("SELECT * FROM t").is_err());
    assert_eq!(db.mount.poison(), Some(StoreError::Closed));
    assert!(bench.connect(&db.mount).is_err());
    drop(db.sql);
    assert_eq!(head(&bench), before);
}

#[test]
fn a_mount_is_open_once_at_a_time() {
    let bench = Bench::new(Settings::default());
    let db = bench.open();
    db.exec("CREATE TABLE t(a)");
    assert!(bench.connect(&db.mount).is_err(), "opened twice");
    db.exec("BEGIN; INSERT INTO t VALUES(1)");
    let Db { sql, mount } = db;
    sql.close().unwrap();
    let db = Db { sql: bench.connect(&mount).unwrap(), mount };
    assert_eq!(db.int("SELECT count(*) FROM t"), 0);
    db.exec("INSERT INTO t VALUES(2)");
    db.check();
}

#[test]
fn dropping_the_mount_gives_the_lease_back() {
    let bench = Bench::new(Settings::default());
    let Db { sql, mount } = bench.open();
    drop(mount);
    assert_eq!(bench.store.counts().releases, 0, "the open file holds it");
    drop(sql);
    assert_eq!(bench.store.counts().releases, 1);
}

#[test]
fn pages_of_a_former_mount_are_out_of_reach() {
    let reads = ReadOptions { hint_bytes_max: 0, ..ReadOptions::default() };
    let bench = Bench::new(Settings { reads, ..Settings::default() });
    let db = bench.open();
    db.exec("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    let other = bench.open();
    other.exec("UPDATE t SET a = 2");
    let db2 = other.reopen(&bench);
    assert_eq!(db2.int("SELECT a FROM t"), 2);
    assert!(db2.metrics().cache_misses > 0, "read another mount's pages");
    drop(db);
}
