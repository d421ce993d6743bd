//! A database of more than 1 GiB, of the largest pages: SQLite leaves page 16,385 out.
#![allow(clippy::unwrap_used)]

mod support;
use std::sync::Arc;

use actor_sqlite_engine::{Compaction, Engine, EngineOptions};
use actor_sqlite_kv::MemKv;
use actor_sqlite_pagestore::PageStoreAdmin;
use support::*;

const LOCK: u32 = 16_385;

fn fold(engine: &Engine) {
    while matches!(engine.compact(&actor()).unwrap(), Compaction::Installed { .. }) {}
    engine.reclaim(&actor(), 1_000).unwrap();
    engine.sweep(&actor(), 1_000).unwrap();
}

/// Rows of one page each, so that a row is at a page near the lock page.
fn insert(db: &Db, count: u32) {
    db.exec(&format!(
        "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < {count})
         INSERT INTO t(b) SELECT zeroblob(65000) FROM n"
    ));
}

/// Scans the rows near the end both ways, cold.
fn scan(db: Db, bench: &Bench, rows: i64) -> Db {
    let db = db.reopen(bench);
    for way in ["ASC", "DESC"] {
        let sql = format!(
            "SELECT sum(length(b)) FROM (SELECT b FROM t WHERE a > {rows} - 200 ORDER BY a {way})"
        );
        assert_eq!(db.int(&sql), 200 * 65_000, "{way}");
    }
    db
}

#[test]
fn a_database_crosses_the_lock_page() {
    let mut options = EngineOptions::default();
    options.compaction.retention_txids = 0;
    let clock = Arc::new(StepClock::default());
    let engine = Arc::new(Engine::new(Arc::new(MemKv::new()), clock, options));
    let settings = Settings { page_size: 65_536, cache_spill: 100, ..Settings::default() };
    let bench = Bench { over: Some(engine.clone()), ..Bench::new(settings) };
    let mut db = bench.open();
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    for staged in [false, true] {
        // One large transaction to below the lock page, then over it.
        let below = LOCK - 10 - db.mount.head().size;
        insert(&db, if staged { below + 30 } else { below });
        for _ in 0..if staged { 0 } else { 30 } {
            insert(&db, 1);
        }
        assert!(db.metrics().stages > 0);
        assert!(db.mount.head().size > LOCK + 5, "{:?}", db.mount.head());
        fold(&engine);
        let rows = db.int("SELECT max(a) FROM t");
        db = scan(db, &bench, rows);
        db.exec(&format!(
            "BEGIN; UPDATE t SET b = zeroblob(64000) WHERE a > {rows} - 60; SAVEPOINT s"
        ));
        insert(&db, 150);
        db.exec(&format!("UPDATE t SET b = zeroblob(10) WHERE a > {rows} - 60; ROLLBACK TO s"));
        assert_eq!(
            db.int(&format!("SELECT sum(length(b)) FROM t WHERE a > {rows} - 60")),
            60 * 64_000
        );
        db.exec("ROLLBACK");
        db.exec(&format!("UPDATE t SET b = zeroblob(65000) WHERE a > {rows} - 60"));
        db = scan(db, &bench, rows);
        if staged {
            db.check();
            assert_eq!(engine.verify(&actor()).unwrap().damage, []);
            return;
        }
        db.exec("DELETE FROM t WHERE a > 400; VACUUM");
        assert!(db.mount.head().size < 450);
        fold(&engine);
        db.check();
        assert_eq!(engine.verify(&actor()).unwrap().damage, []);
    }
}
