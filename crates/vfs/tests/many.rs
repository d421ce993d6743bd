//! Many databases on many threads share one page cache, and other databases of the process are left
//! alone.
#![allow(clippy::unwrap_used)]

mod support;
use std::sync::Arc;

use actor_sqlite_vfs::PageCache;
use support::*;

const THREADS: i64 = 6;
const ROUNDS: i64 = 15;

#[test]
fn databases_do_not_see_each_other() {
    let cache = PageCache::new(400_000);
    let workers: Vec<_> = (0..THREADS)
        .map(|number| {
            let cache = Arc::clone(&cache);
            std::thread::spawn(move || work(cache, number))
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    let metrics = cache.metrics();
    assert!(metrics.entries > 0);
    assert!(metrics.weighted_bytes <= metrics.capacity_bytes, "{metrics:?}");
}

fn work(cache: Arc<PageCache>, number: i64) {
    let settings = Settings { cache_spill: 10, scratch_bytes_max: 100_000, ..Settings::default() };
    let bench = Bench { cache, ..Bench::new(settings) };
    let mut db = bench.open();
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TEMP TABLE x(b)");
    for round in 1..=ROUNDS {
        db.exec(&format!("INSERT INTO t(b) SELECT {number} FROM ({})", rows(400, 10)));
        db.exec("BEGIN; UPDATE t SET b = -1; ROLLBACK");
        if round % 5 == 0 {
            db = db.reopen(&bench);
        }
        let strangers = format!("SELECT count(*) FROM t WHERE b <> {number}");
        assert_eq!(db.int(&strangers), 0, "thread {number}, round {round}");
        assert_eq!(db.int("SELECT count(*) FROM t"), 400 * round);
    }
    db.check();
}

#[test]
fn a_connection_moves_between_threads() {
    let bench = Bench::new(Settings { cache_spill: 10, ..Settings::default() });
    let db = bench.open();
    db.exec(&format!("CREATE TABLE t(a, b); BEGIN; INSERT INTO t {}", rows(200, 900)));
    let db = std::thread::spawn(move || {
        db.exec("CREATE TEMP TABLE x AS SELECT * FROM t; COMMIT");
        db
    });
    let db = db.join().unwrap();
    assert_eq!(db.int("SELECT count(*) FROM t JOIN x USING(a)"), 200);
    db.check();
}

#[test]
fn the_default_vfs_stays_the_platforms() {
    let bench = Bench::new(Settings::default());
    let _ours = bench.open();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plain.db");
    let plain = rusqlite::Connection::open(&path).unwrap();
    plain.execute_batch("CREATE TABLE t(a)").unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() > 0);
}
