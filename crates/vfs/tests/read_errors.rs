//! Errors of reads, and the neighbours a store may offer with a page.
#![allow(clippy::unwrap_used)]

mod support;
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::StoreError;
use rusqlite::ffi;
use support::*;

/// Two tables; the pages of the second begin after those of the first.
fn two_tables() -> (Bench, Db) {
    let bench = Bench::new(Settings { cache_bytes: 0, cache_spill: 10, ..Settings::default() });
    let db = bench.open();
    db.exec(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(50, 900)));
    db.exec(&format!("CREATE TABLE u(a INTEGER PRIMARY KEY, b); INSERT INTO u {}", rows(50, 900)));
    let db = db.reopen(&bench);
    (bench, db)
}

#[test]
fn a_corrupt_page_leaves_the_rest_readable() {
    let (bench, db) = two_tables();
    bench.store.lose_page(&actor(), Pgno::new(head(&bench).size).unwrap());
    let (code, cause) = db.failure("SELECT sum(length(b)) FROM u");
    assert_eq!(code, ffi::SQLITE_CORRUPT);
    assert!(matches!(cause, Some(StoreError::Corrupt { .. })), "{cause:?}");
    assert_eq!(db.mount.poison(), None);
    assert_eq!(db.int("SELECT sum(length(b)) FROM t"), 45_000);
    db.exec("INSERT INTO t VALUES(100, zeroblob(900))");
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT count(*) FROM t"), 51);
}

#[test]
fn an_unavailable_store_fails_the_statement_and_comes_back() {
    let (bench, db) = two_tables();
    bench.store.fail_next_read(unavailable());
    assert_eq!(
        db.failure("SELECT sum(length(b)) FROM t"),
        (ffi::SQLITE_IOERR_READ, Some(unavailable()))
    );
    assert_eq!(db.int("SELECT sum(length(b)) FROM t"), 45_000);
    assert_eq!(db.mount.poison(), None);
}

#[test]
fn a_failed_read_rolls_the_transaction_back() {
    for spilled in [false, true] {
        let (bench, db) = two_tables();
        let before = head(&bench);
        db.exec("BEGIN; UPDATE t SET b = 'x' WHERE a = 1");
        if spilled {
            db.exec("UPDATE t SET b = zeroblob(800)");
            assert!(db.metrics().write_buffer_dirty_pages > 0);
        }
        bench.store.fail_next_read(unavailable());
        assert_eq!(
            db.failure("UPDATE u SET b = 'x'"),
            (ffi::SQLITE_IOERR_READ, Some(unavailable()))
        );
        assert!(db.sql.is_autocommit());
        assert_eq!(head(&bench), before);
        assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 50);
        db.check();
        db.exec("UPDATE u SET b = 'x'");
        assert_eq!(head(&bench).txid, before.txid.next());
        db.check();
    }
}

#[test]
fn a_fenced_reader_is_over() {
    let (bench, db) = two_tables();
    let _other = bench.open();
    let (code, cause) = db.failure("SELECT sum(length(b)) FROM t");
    assert_eq!(code, ffi::SQLITE_IOERR_READ);
    assert!(matches!(cause, Some(StoreError::Fenced { .. })), "{cause:?}");
    assert!(matches!(db.mount.poison(), Some(StoreError::Fenced { .. })));
    assert!(db.sql.execute_batch("SELECT 1 FROM t").is_err());
}

#[test]
fn neighbours_become_cache() {
    let bench = Bench::new(Settings::default());
    let db = bench.open();
    db.exec(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(200, 900)));
    let db = db.reopen(&bench);
    bench.store.offer_neighbours(16);
    let before = bench.store.counts().pages_read;
    assert_eq!(db.int("SELECT sum(length(b)) FROM t"), 180_000);
    let asked = bench.store.counts().pages_read - before;
    let metrics = db.metrics();
    assert_eq!(metrics.cache_misses + metrics.pages_predicted, asked);
    assert!(metrics.pages_prefetched > 30, "{} prefetched", metrics.pages_prefetched);
    assert!(metrics.cache_misses < 10, "{} misses", metrics.cache_misses);
    assert_eq!(metrics.pages_read, metrics.cache_hits + metrics.cache_misses);
    assert_eq!(metrics.bytes_read, (asked + metrics.pages_prefetched) * 4096);
}

#[test]
fn neighbours_never_cover_what_the_transaction_wrote() {
    let bench = Bench::new(Settings { cache_spill: 10, ..Settings::default() });
    let db = bench.open();
    db.exec(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(200, 900)));
    let db = db.reopen(&bench);
    bench.store.offer_neighbours(16);
    db.exec("BEGIN; UPDATE t SET b = zeroblob(900) WHERE a % 2 = 0");
    assert_eq!(db.int("SELECT count(*) FROM t WHERE b = zeroblob(900)"), 100);
    db.exec("COMMIT");
    assert_eq!(db.int("SELECT count(*) FROM t WHERE b = zeroblob(900)"), 100);
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT count(*) FROM t WHERE b = zeroblob(900)"), 100);
    db.check();
}
