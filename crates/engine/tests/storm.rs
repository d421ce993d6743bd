//! One hot database and a thousand mild ones, with two threads of maintenance that share a queue.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use actor_sqlite_engine::{Compaction, Engine, EngineOptions, MaintenanceBudget};
use actor_sqlite_kv::{Fault, FaultKv, Gate, Kv, MemKv, OpKind};
use actor_sqlite_pagestore::PageStoreAdmin;
use common::*;
use fastrand::Rng;

const HARD: u64 = 64;

fn options() -> EngineOptions {
    let mut options = EngineOptions::default();
    let compaction = &mut options.compaction;
    (compaction.delta_count, compaction.soft_delta_count) = (8, 32);
    (compaction.hard_delta_count, compaction.hard_wait_ms) = (HARD, 600_000);
    (compaction.idle_delta_count, compaction.idle_ms) = (2, u64::MAX / 1_000_000);
    options
}

fn commit_one(owner: &mut Owner, rng: &mut Rng, size: u32) {
    let mut pages = Pages::from([(rng.u32(1..=size), random_page(rng, PAGE as usize))]);
    for pgno in owner.head.size + 1..=size {
        pages.entry(pgno).or_insert_with(|| random_page(rng, PAGE as usize));
    }
    owner.commit(&pages, size).unwrap();
}

fn open_deltas(owner: &Owner) -> u64 {
    owner.engine.stat(owner.actor()).unwrap().unwrap().delta_count
}

fn maintain_while(engine: &Engine, running: &AtomicBool) {
    while running.load(Ordering::Relaxed) {
        let report = engine.maintain(MaintenanceBudget::default());
        assert_eq!((report.superseded, report.failures.len()), (0, 0), "{report:?}");
    }
}

#[test]
fn a_hot_database_and_a_thousand_mild_ones_keep_within_their_limits() {
    let seed = seed(1);
    let engine = engine_with(Arc::new(MemKv::new()), options());
    let mut hot = Owner::claim(&engine, &actor("hot"));
    let mut mild: Vec<Owner> =
        (0..1_000).map(|at| Owner::claim(&engine, &actor(&format!("mild{at}")))).collect();
    let (running, calm) = (AtomicBool::new(true), AtomicBool::new(false));
    let (worst_hot, worst_mild) = thread::scope(|scope| {
        let maintenance: Vec<_> =
            (0..2).map(|_| scope.spawn(|| maintain_while(&engine, &running))).collect();
        let storm = scope.spawn(|| {
            let (mut rng, mut worst) = (Rng::with_seed(seed), 0);
            // It never keeps a back-off: only the hard limit is in its way.
            while !calm.load(Ordering::Relaxed) {
                commit_one(&mut hot, &mut rng, 300);
                worst = worst.max(open_deltas(&hot));
            }
            worst
        });
        let (mut rng, mut worst) = (Rng::with_seed(!seed), 0);
        for _ in 0..24 {
            for owner in &mut mild {
                commit_one(owner, &mut rng, 5);
                worst = worst.max(open_deltas(owner));
            }
        }
        calm.store(true, Ordering::Relaxed);
        let worst_hot = storm.join().unwrap();
        running.store(false, Ordering::Relaxed);
        maintenance.into_iter().for_each(|thread| thread.join().unwrap());
        (worst_hot, worst)
    });
    while engine.maintain(MaintenanceBudget::default()).waiting > 0 {}
    let metrics = engine.metrics();
    println!("{} commits of the hot one, {worst_hot} deltas at worst; {worst_mild}", hot.head.txid);
    println!("{metrics:?}");
    assert!(worst_hot <= HARD && worst_mild <= HARD);
    assert!(mild.iter().all(|owner| owner.sequence == 24));
    assert!(metrics.compactions >= 1_000);
    assert_eq!((metrics.compactions_superseded, metrics.compaction_wasted_bytes), (0, 0));
    assert_eq!((metrics.compaction_queue, metrics.compaction_wait_ns), (0, 0));
    assert_eq!(metrics.commits_refused, 0);
    for owner in mild.iter().chain([&hot]) {
        owner.check();
        assert_sound(&engine, owner.actor());
        assert!(open_deltas(owner) < options().compaction.delta_count);
    }
}

/// Two threads of maintenance share the queue, and never a database, however often it comes up.
#[test]
fn two_threads_never_work_on_one_database() {
    let kv = Arc::new(FaultKv::new());
    let mut options = options();
    options.compaction.retention_txids = 0;
    let engine = engine_with(kv.clone(), options);
    let mut owners = ["a", "b"].map(|name| Owner::claim(&engine, &actor(name)));
    let mut rng = Rng::with_seed(1);
    for owner in &mut owners {
        (0..8).for_each(|_| commit_one(owner, &mut rng, 5));
    }
    let gate = Gate::new();
    kv.fail_next(OpKind::Snapshot, Fault::HoldBefore(gate.clone()));
    thread::scope(|scope| {
        let first = scope.spawn(|| engine.maintain(MaintenanceBudget::default()));
        gate.wait_arrived(1);
        (0..8).for_each(|_| commit_one(&mut owners[0], &mut rng, 5));
        let second = engine.maintain(MaintenanceBudget::default());
        assert_eq!((second.compactions, second.waiting), (1, 1), "b, and a waits");
        assert_eq!((open_deltas(&owners[0]), open_deltas(&owners[1])), (16, 0));
        assert_eq!(engine.compact(owners[0].actor()), Ok(Compaction::Busy));
        gate.open();
        first.join().unwrap();
    });
    let metrics = engine.metrics();
    assert_eq!((metrics.compactions_superseded, metrics.compaction_wasted_bytes), (0, 0));
    assert_sound(&engine, owners[0].actor());
}

/// What compactions read, build and write is counted.
#[test]
fn the_work_is_counted() {
    let kv: Arc<dyn Kv> = Arc::new(MemKv::new());
    let engine = engine_with(kv, options());
    let mut owner = Owner::claim(&engine, &actor("a"));
    let mut rng = Rng::with_seed(1);
    (0..3).for_each(|_| commit_one(&mut owner, &mut rng, 5));
    engine.compact(owner.actor()).unwrap();
    let metrics = engine.metrics();
    assert_eq!(metrics.compaction_plans, 1);
    assert_eq!((metrics.compaction_shards_built, metrics.compaction_wasted_bytes), (1, 0));
    assert!(metrics.compaction_read_rows >= 4 && metrics.compaction_read_bytes > 0);
    assert_eq!((metrics.open_deltas, metrics.open_delta_bytes), (0, 0));
    commit_one(&mut owner, &mut rng, 5);
    let metrics = engine.metrics();
    assert_eq!(metrics.open_deltas, 1);
    assert!(metrics.open_delta_bytes > 0);
}
