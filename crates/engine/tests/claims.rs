//! Claims under pressure: an owner that keeps committing, a clock that steps back, faults at every
//! operation.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use actor_sqlite_engine::{Compaction, Engine, EngineOptions};
use actor_sqlite_kv::{Fault, FaultKv, MemKv, OpKind};
use actor_sqlite_pagestore::{ActorId, ClaimOptions, Clock, PageStore, PageStoreAdmin, StoreError};
use common::*;
use fastrand::Rng;

/// Lets the owner before commit just before each of the claim's first batches.
fn overtaken(times: u32) -> (Arc<Engine>, Result<Owner, StoreError>, Pages) {
    let kv = Arc::new(FaultKv::new());
    let name = actor("a");
    let mut old = Owner::claim(&engine(kv.clone()), &name);
    let mut rng = Rng::with_seed(1);
    old.commit_random(&mut rng, 50);
    let old = Arc::new(Mutex::new((old, rng)));
    let (storm, left, inside) = (old.clone(), AtomicU32::new(times), AtomicBool::new(false));
    kv.set_hook(Some(Arc::new(move |kind, _| {
        if kind == OpKind::Commit && !inside.swap(true, Ordering::Relaxed) {
            if left.load(Ordering::Relaxed) > 0 {
                left.fetch_sub(1, Ordering::Relaxed);
                let (old, rng) = &mut *storm.lock().unwrap();
                let before = old.head.txid;
                while old.head.txid == before {
                    old.commit_random(rng, 50);
                }
            }
            inside.store(false, Ordering::Relaxed);
        }
        None
    })));
    let new = engine(kv.clone());
    let claimed = claim(&new, &name);
    kv.set_hook(None);
    let model = old.lock().unwrap().0.model.clone();
    let owner = claimed.map(|claim| {
        let model = read_all(&new, &claim.lease, &claim.head).unwrap();
        let engine = Arc::clone(&new);
        Owner { engine, lease: claim.lease, head: claim.head, sequence: 0, model }
    });
    (new, owner, model)
}

#[test]
fn a_claim_overtaken_by_commits_begins_again() {
    for times in [1, 2, 3, 4, 8] {
        let (engine, owner, model) = overtaken(times);
        let mut owner = owner.unwrap();
        assert_eq!(owner.model, model, "the commits that overtook it are there");
        assert_eq!(engine.metrics().claim_retries, u64::from(times));
        owner.commit(&[(1, vec![1; 512])].into(), owner.head.size).unwrap();
        owner.check();
        assert_sound(&engine, owner.actor());
    }
    let (_, owner, _) = overtaken(u32::MAX);
    assert!(matches!(owner.err(), Some(StoreError::Unavailable { .. })), "it gives up some time");
}

/// Every operation of a claim fails once, in every way: the claim either succeeds or changes
/// nothing that counts, and the next one succeeds.
#[test]
fn a_claim_survives_a_fault_at_each_of_its_operations() {
    let kv = Arc::new(FaultKv::new());
    let mut options = small_options();
    options.compaction.batch_bytes = 600;
    let mut owner = Owner::claim(&engine_with(kv.clone(), options), &actor("a"));
    let mut rng = Rng::with_seed(3);
    let pages: Pages = (1..=150).map(|pgno| (pgno, random_page(&mut rng, 512))).collect();
    owner.commit(&pages, 150).unwrap();
    owner.commit_random(&mut rng, 150);
    // The compaction is interrupted, so that the claim has leftovers to clean up.
    let commits = kv.counters().commits;
    kv.fail_nth(OpKind::Commit, commits + 3, Fault::Unavailable);
    owner.engine.compact(owner.actor()).unwrap_err();
    let image = kv.image();
    let faults = [Fault::Unavailable, Fault::UnknownLanded, Fault::UnknownLost];
    let mut struck = 0;
    for fault in faults {
        for op in 1.. {
            let kv = Arc::new(FaultKv::with(
                image.clone(),
                actor_sqlite_kv::SyncMode::OnDemand,
                MemKv::LIMITS,
            ));
            kv.fail_op(op, fault.clone());
            let first = claim(&engine_with(kv.clone(), options), owner.actor());
            if kv.counters().faults == 0 {
                assert!(first.is_ok());
                break;
            }
            struck += 1;
            if let Err(error) = first {
                assert!(matches!(error, StoreError::Unavailable { .. }), "operation {op}: {error}");
            }
            kv.clear_faults();
            let engine = engine_with(kv, options);
            let mut again = Owner::claim(&engine, owner.actor());
            assert_eq!(again.model, owner.model, "operation {op}");
            assert_sound(&engine, owner.actor());
            let installed = engine.compact(owner.actor()).unwrap();
            assert!(matches!(installed, Compaction::Installed { .. }));
            again.commit_random(&mut rng, 150);
            again.check();
            assert_sound(&engine, owner.actor());
        }
    }
    println!("{struck} faults");
    assert!(struck > 20);
}

struct SteppingClock(AtomicI64);

impl Clock for SteppingClock {
    fn now_ms(&self) -> i64 {
        self.0.fetch_sub(1_000, Ordering::Relaxed)
    }

    fn monotonic_ns(&self) -> u64 {
        0
    }
}

#[test]
fn the_time_of_a_database_never_goes_back() {
    let clock = Arc::new(SteppingClock(AtomicI64::new(1_700_000_000_000)));
    let kv = Arc::new(MemKv::new());
    let engine = Arc::new(Engine::new(kv, clock, EngineOptions::default()));
    let mut owner = Owner::claim(&engine, &actor("a"));
    let mut last = i64::MIN;
    for version in 1..10_u8 {
        owner.commit(&[(1, vec![version; 512])].into(), 1).unwrap();
        if version % 3 == 0 {
            owner = Owner::claim(&engine, &actor("a"));
        }
        let time_ms = engine.stat(owner.actor()).unwrap().unwrap().committed_at_ms;
        assert!(time_ms >= last);
        last = time_ms;
    }
}

#[test]
fn what_cannot_be_stored_is_refused_before_anything_is() {
    let engine = engine(Arc::new(MemKv::new()));
    let long = ClaimOptions { owner: "o".repeat(2_000), ..claim_options(PAGE) };
    let refused = engine.claim(&actor("a"), &long);
    assert!(matches!(refused, Err(StoreError::Invalid { .. })));
    assert_eq!(engine.stat(&actor("a")).unwrap(), None);
    assert!(matches!(engine.verify(&actor("a")), Err(StoreError::NotFound { .. })));
    assert!(matches!(engine.compact(&actor("a")), Err(StoreError::NotFound { .. })));
    let longest = ActorId::new(&"n".repeat(512), &"a".repeat(512)).unwrap();
    let mut owner = Owner::claim(&engine, &longest);
    owner.commit(&[(1, vec![1; 512])].into(), 1).unwrap();
    assert_sound(&engine, &longest);
}
