//! Databases that are claimed and resumed while they are folded: what comes along with a claim, and
//! what is read after it, is the newest state.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use actor_sqlite_engine::{Compaction, Engine, EngineOptions};
use actor_sqlite_kv::{Fault, FaultKv, Gate, Kv, MemKv, OpKind};
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{
    ActorId, Claim, ClaimOptions, Generation, HintRange, Hints, Lease, PageStore, StoreError,
};
use common::*;
use fastrand::Rng;

/// Nothing folded stays readable, and a lease keeps indexes of shards or none.
fn options(shard_index_bytes_max: usize) -> EngineOptions {
    let mut options = EngineOptions { shard_index_bytes_max, ..small_options() };
    options.compaction.retention_txids = 0;
    options
}

/// Claims anew, or goes on with a generation, and asks for all that the hints name.
fn wake(engine: &Engine, name: &ActorId, resume: Option<Generation>) -> Result<Claim, StoreError> {
    let options = ClaimOptions { resume, preload_bytes_max: 1 << 20, ..claim_options(PAGE) };
    engine.claim(name, &options)
}

/// An owner out of a claim whose pages are all those of a model, as is what it reads.
fn woken(engine: &Arc<Engine>, claim: Claim, model: &Pages) -> Owner {
    assert_eq!(claim.head.size as usize, model.len());
    for (pgno, page) in &claim.pages {
        assert_eq!(Some(&page.to_vec()), model.get(&pgno.get()), "page {pgno} came along");
    }
    let owner = Owner::of(engine, claim).unwrap();
    assert!(owner.model == *model, "what is read after a claim");
    owner
}

fn hint_all(owner: &Owner) {
    let ranges = vec![HintRange { first: Pgno::ONE, pages: 1_000, score: 1 }];
    owner.engine.save_hints(&owner.lease, &Hints { ranges }).unwrap();
}

/// Owners that sleep, wake and are taken over without pause, by way of two engines, while both fold
/// and reclaim.
#[test]
fn a_database_that_wakes_while_it_is_folded_shows_its_newest_state() {
    let seed = seed(1);
    for shard_index_bytes_max in [0, 8 << 20] {
        let kv: Arc<dyn Kv> = Arc::new(MemKv::new());
        let engines = [(); 2].map(|()| engine_with(kv.clone(), options(shard_index_bytes_max)));
        let names: Vec<ActorId> = (0..3).map(|at| actor(&format!("a{at}"))).collect();
        let owners: Vec<Owner> = names.iter().map(|name| Owner::claim(&engines[0], name)).collect();
        let (stop, installed, brought) =
            (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for worker in &engines {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        for name in &names {
                            if let Ok(Compaction::Installed { .. }) = worker.compact(name) {
                                installed.fetch_add(1, Ordering::Relaxed);
                            }
                            worker.reclaim(name, 9).unwrap();
                        }
                    }
                });
            }
            let running: Vec<_> = owners
                .into_iter()
                .enumerate()
                .map(|(at, owner)| {
                    let (engines, brought) = (&engines, &brought);
                    scope.spawn(move || {
                        let rng = Rng::with_seed(seed + at as u64);
                        sleep_and_wake(engines, owner, rng, brought)
                    })
                })
                .collect();
            let ended: Vec<_> = running.into_iter().map(|thread| thread.join()).collect();
            stop.store(true, Ordering::Relaxed);
            ended.into_iter().for_each(|ended| ended.unwrap().check());
        });
        names.iter().for_each(|name| assert_sound(&engines[0], name));
        let counts = (installed.into_inner(), brought.into_inner());
        println!("{counts:?} compactions, pages that came along");
        assert!(counts.0 > 20 && counts.1 > 1_000, "{counts:?}");
    }
}

fn sleep_and_wake(
    engines: &[Arc<Engine>; 2],
    mut owner: Owner,
    mut rng: Rng,
    brought: &AtomicU64,
) -> Owner {
    for _ in 0..150 {
        for _ in 0..rng.u32(1..4) {
            owner.commit_random(&mut rng, 200);
        }
        if rng.u32(0..4) == 0 {
            hint_all(&owner);
        }
        let released = rng.bool();
        if released {
            owner.engine.release(&owner.lease);
        }
        let engine = &engines[usize::from(rng.u32(0..4) == 0)];
        let resume = rng.bool().then(|| owner.lease.generation());
        // Others may keep changing the database for so long that a claim gives up.
        let claim = (0..50).find_map(|_| match wake(engine, owner.actor(), resume) {
            Err(StoreError::Unavailable { .. }) => None,
            claim => Some(claim.unwrap()),
        });
        let claim = claim.unwrap();
        brought.fetch_add(claim.pages.len() as u64, Ordering::Relaxed);
        owner = woken(engine, claim, &owner.model);
    }
    owner
}

/// A compaction and all of its reclaim between any two operations of a claim or a resume.
#[test]
fn a_fold_between_any_two_steps_of_a_claim_changes_nothing() {
    for (shard_index_bytes_max, same) in [(0, true), (0, false), (8 << 20, true), (8 << 20, false)]
    {
        for resumes in [true, false] {
            let steps =
                (1..).find(|&step| !folded_at(step, options(shard_index_bytes_max), same, resumes));
            assert!(steps.unwrap() > 4, "{steps:?}");
        }
    }
}

/// `false` if the claim had fewer steps.
fn folded_at(step: u64, options: EngineOptions, same: bool, resumes: bool) -> bool {
    let kv = Arc::new(FaultKv::new());
    let engine = engine_with(kv.clone(), options);
    let mut owner = Owner::claim(&engine, &actor("a"));
    let mut rng = Rng::with_seed(step);
    let pages: Pages = (1..=150).map(|pgno| (pgno, random_page(&mut rng, 512))).collect();
    owner.commit(&pages, 150).unwrap();
    owner.commit_random(&mut rng, 150);
    engine.compact(owner.actor()).unwrap();
    for _ in 0..3 {
        owner.commit_random(&mut rng, 150);
    }
    hint_all(&owner);
    engine.release(&owner.lease);
    let worker = if same { engine.clone() } else { engine_with(kv.clone(), options) };
    let (name, reached, steps) =
        (owner.actor().clone(), Arc::new(AtomicBool::new(false)), AtomicU64::new(0));
    let at = Arc::clone(&reached);
    kv.set_hook(Some(Arc::new(move |_, _| {
        if steps.fetch_add(1, Ordering::Relaxed) + 1 == step {
            at.store(true, Ordering::Relaxed);
            worker.compact(&name).unwrap();
            worker.reclaim(&name, 99).unwrap();
        }
        None
    })));
    let claim = wake(&engine, owner.actor(), resumes.then(|| owner.lease.generation())).unwrap();
    let reached = reached.load(Ordering::Relaxed);
    kv.clear_faults();
    let mut owner = woken(&engine, claim, &owner.model);
    owner.commit_random(&mut rng, 150);
    owner.check();
    assert_sound(&engine, owner.actor());
    reached
}

/// The handles of two resumes of one generation: one of them is dead.
fn one_of_two_lives(engine: &Arc<Engine>, claims: [Claim; 2], model: &Pages) {
    let lives = |claim: &Claim| read_all(engine, &claim.lease, &claim.head);
    let living = claims.iter().filter(|claim| lives(claim).is_ok()).count();
    assert_eq!(living, 1, "handles that read");
    let mut commits = 0;
    for claim in claims {
        match lives(&claim) {
            Ok(pages) => {
                assert!(pages == *model);
                let mut owner = Owner::of(engine, claim).unwrap();
                owner.commit(&[(1, vec![9; 512])].into(), owner.head.size).unwrap();
                owner.check();
                commits += 1;
            }
            Err(StoreError::Closed | StoreError::Fenced { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(commits, 1);
}

#[test]
fn of_two_resumes_at_once_one_lives() {
    for _ in 0..200 {
        let engine = engine(Arc::new(MemKv::new()));
        let mut owner = Owner::claim(&engine, &actor("a"));
        owner.commit(&[(1, vec![1; 512])].into(), 1).unwrap();
        engine.release(&owner.lease);
        let lease: &Lease = &owner.lease;
        let claims = thread::scope(|scope| {
            let both = [(); 2].map(|()| scope.spawn(|| resume(&engine, lease).unwrap()));
            both.map(|thread| thread.join().unwrap())
        });
        one_of_two_lives(&engine, claims, &owner.model);
        assert_sound(&engine, owner.actor());
    }
}

/// The second begins and ends, and commits, while the first is about to look at the rows or has just
/// done so.
#[test]
fn a_resume_overtaken_by_another_shows_what_that_committed() {
    for fault in [Fault::HoldBefore, Fault::HoldAnswer] {
        let kv = Arc::new(FaultKv::new());
        let engine = engine(kv.clone());
        let mut owner = Owner::claim(&engine, &actor("a"));
        owner.commit(&[(1, vec![1; 512])].into(), 1).unwrap();
        engine.release(&owner.lease);
        let gate = Gate::new();
        kv.fail_next(OpKind::Snapshot, fault(gate.clone()));
        thread::scope(|scope| {
            let held = scope.spawn(|| resume(&engine, &owner.lease).unwrap());
            gate.wait_arrived(1);
            let mut second = Owner::resume(&engine, &owner.lease);
            second.commit(&[(1, vec![2; 512])].into(), 1).unwrap();
            gate.open();
            let first = Owner::of(&engine, held.join().unwrap()).unwrap();
            assert_eq!((first.head, &first.model), (second.head, &second.model));
            let refused = second.commit(&[(1, vec![3; 512])].into(), 1);
            assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
            assert_eq!(second.read_all(), Err(StoreError::Closed));
            first.check();
        });
        assert_sound(&engine, owner.actor());
    }
}
