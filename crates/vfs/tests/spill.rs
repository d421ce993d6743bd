//! A transaction larger than SQLite's cache spills: its pages wait in the write set, the sync of
//! the main file commits them as one, and the next transaction is back on the batch route.
#![allow(clippy::unwrap_used)]

mod support;
use support::*;

fn spilling() -> Bench {
    Bench::new(Settings { cache_spill: 20, ..Settings::default() })
}

#[test]
fn a_spilled_transaction_is_one_commit() {
    let bench = spilling();
    let db = bench.open();
    db.exec("CREATE TABLE t(a, b)");
    let before = bench.store.counts().commits;
    db.exec(&format!("BEGIN; INSERT INTO t {}", rows(2000, 1000)));
    assert!(db.metrics().write_buffer_dirty_pages > 100, "nothing spilled");
    assert_eq!(bench.store.counts().commits, before, "committed too early");
    db.exec("COMMIT");
    assert_eq!(bench.store.counts().commits, before + 1);
    assert_eq!((db.metrics().commits_sync, db.metrics().commits_batch), (2, 0));
    assert_eq!(db.metrics().write_buffer_dirty_pages, 0);
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT sum(length(b)) FROM t"), 2_000_000);
    db.check();
}

#[test]
fn the_next_transaction_takes_the_batch_route() {
    let bench = spilling();
    let db = bench.open();
    db.exec("CREATE TABLE t(a, b)");
    for round in 1..=3 {
        db.exec(&format!("INSERT INTO t {}", rows(1000, 1000)));
        db.exec("INSERT INTO t VALUES(0, 'small')");
        assert_eq!((db.metrics().commits_sync, db.metrics().commits_batch), (1 + round, round));
    }
    db.check();
}

#[test]
fn spilled_pages_are_read_back_in_the_transaction() {
    let bench = spilling();
    let db = bench.open();
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b)");
    db.exec(&format!("BEGIN; INSERT INTO t {}", rows(1500, 300)));
    db.exec("UPDATE t SET b = a || 'x'");
    assert_eq!(db.text("SELECT b FROM t WHERE a=777"), "777x");
    db.exec("DELETE FROM t WHERE a % 3 = 0; COMMIT");
    assert_eq!(db.int("SELECT count(*) FROM t"), 1000);
    db.check();
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT count(*) FROM t WHERE b = a || 'x'"), 1000);
    db.check();
}

#[test]
fn large_values_are_read_past_sqlites_cache() {
    let bench = spilling();
    let db = bench.open();
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    db.exec("INSERT INTO t VALUES(1, zeroblob(3000000)), (2, randomblob(2000000))");
    let before = db.text("SELECT hex(substr(b, 1000000, 32)) FROM t WHERE a=2");
    db.exec("BEGIN; INSERT INTO t VALUES(3, randomblob(1000000)); UPDATE t SET a=4 WHERE a=1");
    assert!(db.metrics().write_buffer_dirty_pages > 100);
    assert_eq!(db.text("SELECT hex(substr(b, 1000000, 32)) FROM t WHERE a=2"), before);
    db.exec("COMMIT");
    let db = db.reopen(&bench);
    assert_eq!(db.text("SELECT hex(substr(b, 1000000, 32)) FROM t WHERE a=2"), before);
    assert_eq!(db.int("SELECT sum(length(b)) FROM t"), 6_000_000);
    db.check();
}

const LIMIT_PAGES: u64 = 200;

/// A store that takes no more than that in one call takes a transaction of any size in several.
#[test]
fn a_transaction_beyond_the_limit_of_a_commit_is_staged() {
    let bench = spilling();
    bench.store.limit_commits(LIMIT_PAGES * 4096);
    let db = bench.open();
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    let before = head(&bench);
    db.exec(&format!("INSERT INTO t {}", rows(9000, 1000)));
    assert_eq!(head(&bench).txid, before.txid.next());
    db.exec("UPDATE t SET b = zeroblob(999)");
    let metrics = db.metrics();
    assert!(metrics.stages > 10 && metrics.pages_staged <= metrics.stages * LIMIT_PAGES);
    assert_eq!(metrics.bytes_staged, metrics.pages_staged * 4096);
    assert_eq!(bench.store.staged(&actor()), 0);
    let batches = metrics.commits_batch;
    db.exec("INSERT INTO t VALUES(0, 'small')");
    assert_eq!(db.metrics().commits_batch, batches + 1, "the next one is on the batch route");
    db.check();
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 999"), 9000);
    db.check();
}

#[test]
fn a_transaction_never_holds_more_pages_than_the_limit() {
    let bench = spilling();
    bench.store.limit_commits(LIMIT_PAGES * 4096);
    let db = bench.open();
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b); BEGIN");
    let mut most = 0;
    for _ in 0..1000 {
        db.exec("INSERT INTO t(b) VALUES(randomblob(3000))");
        most = most.max(db.metrics().write_buffer_dirty_pages);
    }
    assert_eq!(most, LIMIT_PAGES);
    db.exec("COMMIT");
    assert_eq!(db.int("SELECT count(*) FROM t"), 1000);
    db.check();
}
