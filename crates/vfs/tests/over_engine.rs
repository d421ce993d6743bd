//! The same over the real engine, on a key-value store in memory.
#![allow(clippy::unwrap_used)]

mod support;
use std::sync::Arc;

use actor_sqlite_engine::{Engine, EngineOptions};
use actor_sqlite_kv::MemKv;
use actor_sqlite_pagestore::PageStoreAdmin;
use support::*;

fn over_engine(settings: Settings) -> (Bench, Arc<Engine>) {
    let clock = Arc::new(StepClock::default());
    let engine = Arc::new(Engine::new(Arc::new(MemKv::new()), clock, EngineOptions::default()));
    let bench = Bench { over: Some(engine.clone()), ..Bench::new(settings) };
    (bench, engine)
}

/// Staged at every write and read back from the store, staged now and then, and never.
const ROOM: [(u64, u64); 3] = [(2, 0), (6, 300_000), (1 << 20, 300_000)];

#[test]
fn random_statements_agree_with_sqlite() {
    let first = support::random::seed();
    let databases = [(512, "incremental"), (4096, "none"), (65536, "full")];
    for (index, cache_spill) in [5, 50, 5000].into_iter().enumerate() {
        for (number, (page_size, auto_vacuum)) in databases.into_iter().enumerate() {
            let (write_set_pages, cache_bytes) = ROOM[(index + number) % ROOM.len()];
            let settings = Settings {
                page_size,
                cache_bytes,
                scratch_bytes_max: 150_000,
                write_set_bytes_max: write_set_pages * u64::from(page_size),
                cache_spill,
                auto_vacuum,
                ..Settings::default()
            };
            let (bench, engine) = over_engine(settings);
            support::pair::run(first + index as u64, &bench);
            assert_eq!(engine.verify(&actor()).unwrap().damage, []);
        }
    }
}

#[test]
fn a_large_transaction_is_staged() {
    let settings = Settings {
        cache_spill: 10,
        write_set_bytes_max: 64 << 10,
        cache_bytes: 0,
        ..Settings::default()
    };
    let (bench, engine) = over_engine(settings);
    let db = bench.open();
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b)");
    db.exec(&format!("INSERT INTO t {}", rows(2000, 900)));
    assert!(db.metrics().stages > 20);
    let before = db.mount.head();
    db.exec("BEGIN; UPDATE t SET b = randomblob(800); ROLLBACK");
    assert!(db.sql.execute_batch("INSERT INTO t SELECT 4000 - a, b FROM t").is_err());
    assert_eq!(db.mount.head(), before);
    db.exec("BEGIN; UPDATE t SET b = randomblob(800); SAVEPOINT s; DELETE FROM t");
    db.exec("ROLLBACK TO s; UPDATE t SET b = a WHERE a % 2; COMMIT");
    assert_eq!(db.mount.head().txid, before.txid.next());
    assert!(db.metrics().staged_reads > 0);
    db.check();
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT count(*) FROM t WHERE b = a"), 1000);
    db.exec("DELETE FROM t WHERE a > 10; VACUUM");
    assert!(db.mount.head().size < 20);
    db.check();
    assert_eq!(engine.verify(&actor()).unwrap().damage, []);
}

#[test]
fn create_insert_spill_vacuum_reopen() {
    let (bench, engine) = over_engine(Settings { cache_spill: 10, ..Settings::default() });
    let db = bench.open();
    db.exec(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(500, 900)));
    db.exec("INSERT INTO t VALUES(1000, 'batch')");
    let before = db.mount.head();
    db.exec("BEGIN; UPDATE t SET b = zeroblob(800); ROLLBACK");
    assert_eq!(db.mount.head(), before);
    db.exec("DELETE FROM t WHERE a > 10 AND a < 1000; VACUUM");
    assert!(db.mount.head().size < 10);
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT count(*) FROM t"), 11);
    db.check();
    let phases = db.metrics().commit_phases;
    assert_eq!(phases.commit_count, 0);
    db.exec("INSERT INTO t VALUES(2000, 'more')");
    assert_eq!(db.metrics().commit_phases.commit_count, 1);
    assert_eq!(engine.verify(&actor()).unwrap().damage, []);
}

#[test]
fn a_second_owner_fences_the_first() {
    let (bench, _) = over_engine(Settings::default());
    let first = bench.open();
    first.exec("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    let second = bench.open();
    second.exec("INSERT INTO t VALUES(2)");
    let (code, cause) = first.failure("INSERT INTO t VALUES(3)");
    assert_eq!(code, rusqlite::ffi::SQLITE_READONLY_DBMOVED);
    assert!(matches!(cause, Some(actor_sqlite_pagestore::StoreError::Fenced { .. })), "{cause:?}");
    drop(first);
    assert_eq!(second.int("SELECT sum(a) FROM t"), 3);
    second.check();
}
