//! What was read after an opening comes with the next claim; and what a closed mount left in the
//! page cache.
#![allow(clippy::unwrap_used)]

mod support;
use std::sync::Arc;

use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{ClaimOptions, Generation, HintRange, Hints, PageStore, StoreError};
use actor_sqlite_vfs::{KeptPages, Mount, MountOptions, PageCache, ReadOptions};
use support::*;

const QUERIES: [&str; 3] = [
    "SELECT length(b) FROM t WHERE a = 700",
    "SELECT count(*) FROM u WHERE a < 60",
    "SELECT count(*) FROM t WHERE key BETWEEN 100 AND 110",
];

fn tables(settings: Settings) -> Bench {
    let bench = Bench::new(settings);
    let db = bench.open();
    db.exec(&format!(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, key AS (a * 7919 % 1000) STORED);
         CREATE TABLE u(a INTEGER PRIMARY KEY, b);
         INSERT INTO t(a, b) {}; INSERT INTO u {}; CREATE INDEX k ON t(key)",
        rows(1000, 900),
        rows(1000, 900),
    ));
    close(db);
    bench
}

fn close(db: Db) -> Arc<Mount> {
    db.sql.close().unwrap();
    db.mount.close();
    db.mount
}

fn ask(db: &Db) {
    assert_eq!(QUERIES.map(|sql| db.int(sql)), [900, 59, 11]);
}

fn hinted(bench: &Bench) -> Vec<Pgno> {
    bench.store.hints(&actor()).unwrap().pages(u32::MAX).collect()
}

#[test]
fn the_second_opening_reads_nothing() {
    let bench = tables(Settings::default());
    let db = bench.open();
    ask(&db);
    assert!(db.metrics().store_reads > 5);
    assert_eq!(close(db).metrics().hints_saved, 1);
    let before = bench.store.counts();
    let db = bench.open();
    ask(&db);
    let metrics = db.metrics();
    assert_eq!((bench.store.counts().reads, metrics.store_reads), (before.reads, 0));
    assert!(metrics.hint_pages_preloaded > 5, "{metrics:?}");
    assert!(metrics.hint_pages_used + 4 >= metrics.hint_pages_preloaded, "{metrics:?}");
    close(db);
}

#[test]
fn hints_that_do_not_change_are_not_saved() {
    let bench = tables(Settings::default());
    let saved: Vec<u64> = (0..6)
        .map(|_| {
            let db = bench.open();
            ask(&db);
            close(db).metrics().hints_saved
        })
        .collect();
    assert_eq!(saved, [1, 1, 1, 0, 0, 0]);
    close(bench.open());
    assert_eq!(bench.store.counts().hints_saved, 3);
}

#[test]
fn what_is_read_after_the_wake_is_no_hint() {
    let bench = tables(Settings::default());
    let db = bench.open();
    ask(&db);
    db.mount.save_hints();
    assert_eq!(bench.store.counts().hints_saved, 0, "it still wakes");
    db.mount.end_wake();
    db.exec("BEGIN; INSERT INTO u(b) VALUES(1)");
    db.exec("SELECT sum(length(b)) FROM t; COMMIT");
    db.mount.save_hints();
    db.mount.save_hints();
    assert_eq!(bench.store.counts().hints_saved, 1);
    let first = hinted(&bench);
    assert!(first.len() < 30, "{first:?}");
    close(db);
    assert_eq!((bench.store.counts().hints_saved, hinted(&bench)), (1, first));
}

#[test]
fn a_transaction_that_has_written_saves_no_hints() {
    let bench = tables(Settings { cache_spill: 5, ..Settings::default() });
    let db = bench.open();
    ask(&db);
    db.mount.end_wake();
    db.exec("BEGIN; UPDATE u SET b = zeroblob(800)");
    assert!(db.metrics().write_buffer_dirty_pages > 0);
    db.mount.save_hints();
    assert_eq!(bench.store.counts().hints_saved, 0);
    db.exec("ROLLBACK");
    db.mount.save_hints();
    assert_eq!(bench.store.counts().hints_saved, 1);
}

#[test]
fn a_dead_handle_saves_no_hints_and_a_refusal_is_counted() {
    let bench = tables(Settings::default());
    let db = bench.open();
    ask(&db);
    bench.store.fail_next_commit(dead());
    assert!(db.sql.execute_batch("INSERT INTO u(b) VALUES(1)").is_err());
    assert_eq!(close(db).metrics().hints_saved, 0);
    assert_eq!(bench.store.counts().hints_saved, 0);
    let db = bench.open();
    ask(&db);
    let _other = bench.open();
    let metrics = close(db).metrics();
    assert_eq!((metrics.hints_saved, metrics.hints_failed), (0, 1));
    assert_eq!(hinted(&bench), []);
}

#[test]
fn hints_fit_the_budget_and_a_scan_does_not_take_it_all() {
    let reads = ReadOptions { hint_bytes_max: 20 * 4096, ..ReadOptions::default() };
    let bench = tables(Settings { reads, ..Settings::default() });
    let db = bench.open();
    db.exec("SELECT sum(length(b)) FROM t");
    ask(&db);
    close(db);
    let pages = hinted(&bench);
    assert!((12..=20).contains(&pages.len()), "{pages:?}");
    let db = bench.open();
    ask(&db);
    assert!(db.metrics().store_reads <= 8, "{:?}", db.metrics());
    let off = ReadOptions { hint_bytes_max: 0, ..reads };
    let bench = Bench { settings: Settings { reads: off, ..Settings::default() }, ..bench };
    let db = db.reopen(&bench);
    ask(&db);
    assert_eq!(close(db).metrics().hints_saved, 0);
}

#[test]
fn stale_hints_do_no_harm_and_heal() {
    let bench = tables(Settings::default());
    let db = bench.open();
    ask(&db);
    close(db);
    let db = bench.open();
    let lease = db.mount.lease();
    let junk = HintRange { first: Pgno::new(300).unwrap(), pages: u32::MAX - 300, score: 255 };
    bench.store.save_hints(lease, &Hints { ranges: vec![junk] }).unwrap();
    db.exec("DELETE FROM t WHERE a % 2 = 0; VACUUM");
    db.sql.close().unwrap();
    let ask = |db: &Db| assert_eq!(db.int("SELECT count(*) FROM u WHERE a < 60"), 59);
    let mut reads = Vec::new();
    for _ in 0..6 {
        let db = bench.open();
        ask(&db);
        reads.push(db.metrics().store_reads);
        close(db);
        let db = bench.open();
        ask(&db);
        assert_eq!(db.metrics().store_reads, 0, "{reads:?}");
        close(db);
    }
    let size = head(&bench).size;
    assert!(hinted(&bench).iter().all(|pgno| pgno.get() <= size));
    bench.open().check();
}

/// Claims again what was claimed before, and mounts it with what was kept.
fn resume(bench: &Bench, db: Db, between: impl FnOnce(&Bench), cache: &Arc<PageCache>) -> Db {
    let (generation, kept) = sleep(db);
    between(bench);
    wake(bench, generation, cache, kept)
}

fn sleep(db: Db) -> (Generation, KeptPages) {
    let Db { sql, mount } = db;
    sql.close().unwrap();
    let generation = mount.lease().generation();
    let kept: KeptPages = mount.close().unwrap();
    assert!(mount.close().is_none());
    (generation, kept)
}

fn wake(bench: &Bench, generation: Generation, cache: &Arc<PageCache>, kept: KeptPages) -> Db {
    let options = ClaimOptions {
        resume: Some(generation),
        preload_bytes_max: 0,
        ..ClaimOptions::new("test")
    };
    let claim = bench.store.claim(&actor(), &options).unwrap();
    let options = MountOptions::new(Arc::new(StepClock::default()), 1 << 20, scratch_dir());
    let mount = Mount::resume(bench.store.clone(), claim, cache.clone(), options, kept).unwrap();
    let sql = bench.connect(&mount).unwrap();
    Db { sql, mount }
}

#[test]
fn a_resumed_mount_goes_on_with_its_pages() {
    let bench = tables(Settings::default());
    let mut db = bench.open();
    for round in 0..3 {
        ask(&db);
        db.exec(&format!("UPDATE t SET b = 'round {round}' WHERE a = 3"));
        let before = bench.store.counts();
        db = resume(&bench, db, |_| (), &bench.cache);
        ask(&db);
        assert_eq!(db.text("SELECT b FROM t WHERE a = 3"), format!("round {round}"));
        let after = bench.store.counts();
        assert_eq!(after.reads, before.reads);
        assert_eq!(after.hints_saved - before.hints_saved, u64::from(round == 0));
    }
    db.check();
}

#[test]
fn pages_of_another_cache_are_not_gone_on_with() {
    let bench = tables(Settings::default());
    let db = bench.open();
    ask(&db);
    let reads = bench.store.counts().reads;
    let db = resume(&bench, db, |_| (), &PageCache::new(16 << 20));
    ask(&db);
    assert!(bench.store.counts().reads > reads);
}

#[test]
fn pages_of_another_state_are_not_gone_on_with() {
    let bench = tables(Settings::default());
    let db = bench.open();
    assert_eq!(db.int("SELECT length(b) FROM t WHERE a = 3"), 900);
    let generation = db.mount.lease().generation();
    // Somebody else goes on with the same lease, and commits.
    let other = |bench: &Bench| {
        let options = ClaimOptions { resume: Some(generation), ..ClaimOptions::new("other") };
        let claim = bench.store.claim(&actor(), &options).unwrap();
        let options = MountOptions::new(Arc::new(StepClock::default()), 1 << 20, scratch_dir());
        let cache = bench.cache.clone();
        let mount = Mount::new(bench.store.clone(), claim, cache, options).unwrap();
        let sql = bench.connect(&mount).unwrap();
        sql.execute_batch("UPDATE t SET b = 'new' WHERE a = 3").unwrap();
        sql.close().unwrap();
        mount.close();
    };
    let db = resume(&bench, db, other, &bench.cache);
    assert_eq!(db.text("SELECT b FROM t WHERE a = 3"), "new");
    db.check();
}

/// The pages of a state before the newest, of the same generation: the handle that came between has
/// left its own.
#[test]
fn pages_kept_before_a_commit_of_the_same_generation_are_not_gone_on_with() {
    let bench = tables(Settings::default());
    let db = bench.open();
    assert_eq!(db.int("SELECT length(b) FROM t WHERE a = 3"), 900);
    let (generation, old) = sleep(db);
    let claim = ClaimOptions { resume: Some(generation), ..ClaimOptions::new("other") };
    let claim = bench.store.claim(&actor(), &claim).unwrap();
    let options = MountOptions::new(Arc::new(StepClock::default()), 1 << 20, scratch_dir());
    let mount = Mount::new(bench.store.clone(), claim, bench.cache.clone(), options).unwrap();
    let other = Db { sql: bench.connect(&mount).unwrap(), mount };
    other.exec("UPDATE t SET b = 'new' WHERE a = 3");
    let (_, kept) = sleep(other);
    // The old pages fit no more; those of the handle between do.
    let db = wake(&bench, generation, &bench.cache, old);
    assert_eq!(db.text("SELECT b FROM t WHERE a = 3"), "new");
    db.sql.close().unwrap();
    db.mount.close();
    let reads = bench.store.counts().reads;
    let db = wake(&bench, generation, &bench.cache, kept);
    assert_eq!(db.text("SELECT b FROM t WHERE a = 3"), "new");
    assert_eq!(bench.store.counts().reads, reads);
    db.check();
}

/// Of two handles that go on with one lease the first one is over, also if the second has committed
/// since; what it says is never an old page.
#[test]
fn a_handle_that_another_resume_ends_answers_nothing_more() {
    let bench = tables(Settings::default());
    let db = bench.open();
    ask(&db);
    let (generation, kept) = sleep(db);
    let first = wake(&bench, generation, &bench.cache, kept);
    ask(&first);
    let claim = ClaimOptions { resume: Some(generation), ..ClaimOptions::new("other") };
    let claim = bench.store.claim(&actor(), &claim).unwrap();
    let options = MountOptions::new(Arc::new(StepClock::default()), 1 << 20, scratch_dir());
    let mount = Mount::new(bench.store.clone(), claim, bench.cache.clone(), options).unwrap();
    let second = Db { sql: bench.connect(&mount).unwrap(), mount };
    second.exec("UPDATE t SET b = 'new' WHERE a = 3");
    let (_, cause) = first.failure("UPDATE t SET b = 'old' WHERE a = 3");
    assert!(matches!(cause, Some(StoreError::Closed | StoreError::Fenced { .. })), "{cause:?}");
    assert!(first.mount.poison().is_some());
    let Db { sql, mount } = first;
    sql.close().unwrap();
    assert!(mount.close().is_none(), "a dead handle leaves nothing to go on with");
    // Its end does not end the other.
    assert_eq!(second.text("SELECT b FROM t WHERE a = 3"), "new");
    second.exec("UPDATE t SET b = 'newer' WHERE a = 3");
    // Somebody takes it over: the lease cannot be gone on with.
    let (generation, _kept) = sleep(second);
    drop(bench.open());
    let resume = ClaimOptions { resume: Some(generation), ..ClaimOptions::new("late") };
    let refused = bench.store.claim(&actor(), &resume);
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    assert_eq!(bench.open().text("SELECT b FROM t WHERE a = 3"), "newer");
}

#[test]
fn nothing_is_kept_of_an_open_or_dead_handle() {
    let bench = tables(Settings::default());
    let db = bench.open();
    assert!(db.mount.close().is_none(), "its connection might still read into the cache");
    drop(db);
    let db = bench.open();
    bench.store.fail_next_commit(dead());
    assert!(db.sql.execute_batch("INSERT INTO u(b) VALUES(1)").is_err());
    db.sql.close().unwrap();
    assert!(db.mount.close().is_none());
}
