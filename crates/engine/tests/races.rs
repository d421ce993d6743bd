//! Threads that commit, read, compact, reclaim and claim at the same time.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use actor_sqlite_engine::{Compaction, Engine, MaintenanceBudget};
use actor_sqlite_kv::{Fault, FaultKv, Gate, Kv, MemKv, OpKind};
use actor_sqlite_pagestore::{ActorId, PageStoreAdmin, StoreError};
use common::*;
use fastrand::Rng;

/// Four owners, three threads of maintenance that go over all databases without pause, and one
/// of a second engine on the same store, whose compactions the owners are not told of.
#[test]
fn reads_and_commits_never_notice_maintenance() {
    let seed = seed(1);
    let kv: Arc<dyn Kv> = Arc::new(MemKv::new());
    let mut options = small_options();
    options.compaction.retention_txids = 0;
    let engine = engine_with(kv.clone(), options);
    let other = engine_with(kv, options);
    let names: Vec<ActorId> = (0..4).map(|at| actor(&format!("a{at}"))).collect();
    let owners: Vec<Owner> = names.iter().map(|name| Owner::claim(&engine, name)).collect();
    let stop = AtomicBool::new(false);
    let installed = AtomicU64::new(0);
    thread::scope(|scope| {
        for worker in [&engine, &engine, &engine, &other] {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    for name in &names {
                        if let Compaction::Installed { .. } = worker.compact(name).unwrap() {
                            installed.fetch_add(1, Ordering::Relaxed);
                        }
                        worker.reclaim(name, 2).unwrap();
                    }
                }
            });
        }
        let running: Vec<_> = owners
            .into_iter()
            .enumerate()
            .map(|(at, mut owner)| {
                scope.spawn(move || {
                    let mut rng = Rng::with_seed(seed + at as u64);
                    for _ in 0..800 {
                        owner.commit_random(&mut rng, 200);
                        owner.check();
                    }
                    owner
                })
            })
            .collect();
        let owners: Vec<Owner> = running.into_iter().map(|thread| thread.join().unwrap()).collect();
        stop.store(true, Ordering::Relaxed);
        for owner in owners {
            owner.check();
        }
    });
    for name in &names {
        assert_sound(&engine, name);
    }
    let metrics = engine.metrics();
    println!(
        "{} installed, {} reads looked again",
        installed.load(Ordering::Relaxed),
        metrics.read_retries
    );
    assert!(installed.load(Ordering::Relaxed) > 20);
}

/// A read is held between its look-up and its get, until what it looked up is reclaimed.
#[test]
fn a_read_overtaken_by_compaction_and_reclaim_finds_the_new_place() {
    for told in [true, false] {
        let kv = Arc::new(FaultKv::new());
        let mut options = small_options();
        options.compaction.retention_txids = 0;
        let engine = engine_with(kv.clone(), options);
        let mut owner = Owner::claim(&engine, &actor("a"));
        let mut rng = Rng::with_seed(1);
        for _ in 0..3 {
            owner.commit_random(&mut rng, 30);
        }
        let gate = Gate::new();
        kv.fail_next(OpKind::Snapshot, Fault::HoldBefore(gate.clone()));
        thread::scope(|scope| {
            let reader = scope.spawn(|| owner.read_all().unwrap());
            gate.wait_arrived(1);
            // A worker of another process leaves the lease as it was.
            let worker = if told { engine.clone() } else { engine_with(kv.clone(), options) };
            assert!(matches!(worker.compact(owner.actor()), Ok(Compaction::Installed { .. })));
            assert!(worker.reclaim(owner.actor(), 9).unwrap().rows > 0);
            gate.open();
            assert_eq!(reader.join().unwrap(), owner.model);
        });
        assert_eq!(engine.metrics().read_retries, 1);
    }
}

/// An owner that has no shard's index in memory yet, and was not told that all of them are new.
#[test]
fn an_index_is_not_looked_for_under_an_old_watermark() {
    let kv: Arc<dyn Kv> = Arc::new(MemKv::new());
    let one = engine(kv.clone());
    let mut before = Owner::claim(&one, &actor("a"));
    let pages: Pages = (1..=70).map(|pgno| (pgno, vec![pgno as u8; 512])).collect();
    before.commit(&pages, 70).unwrap();
    before.commit(&[(1, vec![200; 512])].into(), 70).unwrap();
    one.compact(before.actor()).unwrap();
    before.commit(&[(1, vec![201; 512]), (70, vec![202; 512])].into(), 70).unwrap();
    let claimed = claim(&one, before.actor()).unwrap();
    let other = engine(kv);
    assert!(matches!(other.compact(before.actor()), Ok(Compaction::Installed { .. })));
    let read = read_all(&one, &claimed.lease, &claimed.head).unwrap();
    assert_eq!(read, before.model);
}

/// A database that a compaction of several batches is to be made of.
fn large(kv: &Arc<FaultKv>) -> Owner {
    let mut owner = Owner::claim(&engine(kv.clone()), &actor("a"));
    let mut rng = Rng::with_seed(1);
    let pages: Pages = (1..=150).map(|pgno| (pgno, random_page(&mut rng, 512))).collect();
    owner.commit(&pages, 150).unwrap();
    owner.commit(&[(1, vec![1; 512])].into(), 150).unwrap();
    owner
}

/// A second engine takes the batches of a compaction under way for leftovers and deletes them: the
/// compaction gives up, and nothing is taken for damage.
#[test]
fn a_compaction_taken_for_leftovers_gives_up() {
    let kv = Arc::new(FaultKv::new());
    let owner = large(&kv);
    let other = engine(kv.clone());
    let gate = Gate::new();
    let commits = kv.counters().commits;
    kv.fail_nth(OpKind::Commit, commits + 2, Fault::HoldBefore(gate.clone()));
    thread::scope(|scope| {
        let held = scope.spawn(|| owner.engine.compact(owner.actor()));
        gate.wait_arrived(1);
        assert_eq!(other.compact(owner.actor()), Ok(Compaction::Superseded));
        assert_sound(&other, owner.actor());
        gate.open();
        assert_eq!(held.join().unwrap(), Ok(Compaction::Superseded));
    });
    assert!(matches!(other.compact(owner.actor()), Ok(Compaction::Installed { .. })));
    owner.check();
    assert_sound(&other, owner.actor());
}

/// The other way round: what looked like leftovers is complete when the second engine looks again.
/// It once called the missing BUILD row corruption.
#[test]
fn leftovers_that_come_to_count_are_left_alone() {
    let kv = Arc::new(FaultKv::new());
    let owner = large(&kv);
    let other = engine(kv.clone());
    let (compaction, cleaner) = (Gate::new(), Gate::new());
    let commits = kv.counters().commits;
    kv.fail_nth(OpKind::Commit, commits + 2, Fault::HoldBefore(compaction.clone()));
    thread::scope(|scope| {
        let held = scope.spawn(|| owner.engine.compact(owner.actor()));
        compaction.wait_arrived(1);
        let snapshots = kv.counters().snapshots;
        kv.fail_nth(OpKind::Snapshot, snapshots + 2, Fault::HoldBefore(cleaner.clone()));
        let cleaning = scope.spawn(|| other.compact(owner.actor()));
        cleaner.wait_arrived(1);
        compaction.open();
        assert!(matches!(held.join().unwrap(), Ok(Compaction::Installed { .. })));
        cleaner.open();
        assert_eq!(cleaning.join().unwrap(), Ok(Compaction::Superseded));
    });
    owner.check();
    assert_sound(&other, owner.actor());
}

/// What one owner was told about its commits.
type Acks = Vec<(u64, Pages)>;

/// Two engines, as two hosts have them, that claim one database from each other and commit as
/// long as they are let. Answers with what is wrong, if anything.
fn two_hosts(seed: u64, unguarded: bool) -> Result<(usize, usize), String> {
    let kv: Arc<dyn Kv> = Arc::new(MemKv::new());
    let mut options = small_options();
    options.unguarded_commits = unguarded;
    let name = actor("a");
    let acks: Mutex<Vec<Acks>> = Mutex::default();
    let claims = AtomicU64::new(0);
    thread::scope(|scope| {
        for host in 0..2 {
            let (acks, kv, name, claims) = (&acks, kv.clone(), &name, &claims);
            scope.spawn(move || {
                let engine = engine_with(kv, options);
                let mut rng = Rng::with_seed(seed ^ host);
                for _ in 0..60 {
                    let Ok(claim) = claim(&engine, name) else { continue };
                    claims.fetch_add(1, Ordering::Relaxed);
                    let mine = commit_until_fenced(&engine, claim, &mut rng);
                    acks.lock().unwrap().push(mine);
                }
            });
        }
    });
    let acks = acks.into_inner().unwrap();
    let commits = check_history(&engine_with(kv, options), &name, &acks)?;
    Ok((claims.load(Ordering::Relaxed) as usize, commits))
}

/// Every acknowledged commit is a state of its own, and the last one is what is there.
fn check_history(engine: &Arc<Engine>, name: &ActorId, acks: &[Acks]) -> Result<usize, String> {
    let mut history: BTreeMap<u64, &Pages> = BTreeMap::new();
    for (txid, pages) in acks.iter().flatten() {
        if history.insert(*txid, pages).is_some() {
            return Err(format!("txid {txid} was acknowledged twice"));
        }
    }
    let claim = claim(engine, name).map_err(|error| error.to_string())?;
    if claim.head.txid.get() != history.len() as u64 {
        return Err(format!("head {} after {} commits", claim.head.txid, history.len()));
    }
    let pages = read_all(engine, &claim.lease, &claim.head).map_err(|error| error.to_string())?;
    if history.last_key_value().is_some_and(|(_, last)| **last != pages) {
        return Err("the last acknowledged commit is not what is there".into());
    }
    let damage = engine.verify(name).map_err(|error| error.to_string())?.damage;
    if damage.is_empty() { Ok(history.len()) } else { Err(format!("{damage:?}")) }
}

fn commit_until_fenced(
    engine: &Arc<Engine>,
    claim: actor_sqlite_pagestore::Claim,
    rng: &mut Rng,
) -> Acks {
    let mut acks = Acks::new();
    let Ok(model) = read_all(engine, &claim.lease, &claim.head) else { return acks };
    let engine = Arc::clone(engine);
    let mut owner = Owner { engine, lease: claim.lease, head: claim.head, sequence: 0, model };
    for _ in 0..12 {
        let (pages, size) = owner.transaction(rng, 60);
        let before = owner.head.txid;
        match owner.commit(&pages, size) {
            Ok(committed) if committed.head.txid == before => {}
            Ok(committed) => acks.push((committed.head.txid.get(), owner.model.clone())),
            Err(StoreError::Fenced { expected_generation, actual_generation, .. }) => {
                assert!(actual_generation > expected_generation);
                return acks;
            }
            Err(_) => return acks,
        }
        if rng.u32(0..4) == 0 {
            let _ = owner.engine.compact(owner.actor());
        }
        thread::yield_now();
    }
    acks
}

#[test]
fn two_hosts_never_both_commit() {
    let seed = seed(1);
    for round in 0..8 {
        let (claims, commits) = two_hosts(seed + round, false).unwrap();
        if round == 0 {
            println!("{claims} claims, {commits} commits");
        }
        assert!(commits > 20, "{commits}");
    }
}

/// The canary: without the guard on `HEAD` the check above has to find something.
#[test]
fn a_missing_guard_is_noticed() {
    let seed = seed(1);
    let noticed = (0..20).find_map(|round| two_hosts(seed + round, true).err());
    println!("{noticed:?}");
    assert!(noticed.is_some(), "twenty rounds without a guard, and nothing was noticed");
}

/// The same without threads: an old owner that does not know better.
#[test]
fn an_old_owner_is_fenced_and_the_canary_is_not() {
    for unguarded in [false, true] {
        let kv: Arc<dyn Kv> = Arc::new(MemKv::new());
        let mut options = small_options();
        options.unguarded_commits = unguarded;
        let (one, two) = (engine_with(kv.clone(), options), engine_with(kv, options));
        let mut old = Owner::claim(&one, &actor("a"));
        old.commit(&[(1, vec![1; 512])].into(), 1).unwrap();
        let mut new = Owner::claim(&two, &actor("a"));
        new.commit(&[(1, vec![2; 512])].into(), 1).unwrap();
        let late = old.commit(&[(1, vec![3; 512])].into(), 1);
        if unguarded {
            assert!(late.is_ok());
            assert!(claim(&two, &actor("a")).is_err(), "the overwritten HEAD is noticed");
        } else {
            let Err(StoreError::Fenced { actual_generation, actual_head, .. }) = late else {
                panic!("{late:?}")
            };
            assert_eq!((actual_generation, actual_head), (new.lease.generation(), new.head.txid));
            new.check();
        }
    }
}

#[test]
fn many_claims_at_once_all_end_and_one_stays() {
    let kv: Arc<dyn Kv> = Arc::new(MemKv::new());
    let engines: Vec<_> = (0..4).map(|_| engine(kv.clone())).collect();
    let name = actor("a");
    let claimed: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|at| {
                let (engine, name) = (&engines[at % 4], &name);
                scope.spawn(move || claim(engine, name))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut generations: Vec<u64> = claimed
        .iter()
        .filter_map(|claim| claim.as_ref().ok())
        .map(|claim| claim.lease.generation().0)
        .collect();
    generations.sort_unstable();
    assert_eq!(generations.len(), 8, "{claimed:?}");
    generations.dedup();
    assert_eq!(generations.len(), 8, "a generation is granted once");
    let newest = engines[0].stat(&name).unwrap().unwrap().generation;
    assert_eq!(generations.last(), Some(&newest.0));
}

/// An owner that commits without pause, and a compaction that must come to its end all the same.
#[test]
fn a_commit_storm_does_not_starve_compaction() {
    let kv: Arc<dyn Kv> = Arc::new(MemKv::new());
    let engine = engine(kv);
    let mut owner = Owner::claim(&engine, &actor("a"));
    let all: Pages = (1..=100).map(|pgno| (pgno, vec![1; 512])).collect();
    owner.commit(&all, 100).unwrap();
    let stop = AtomicBool::new(false);
    let name = owner.actor().clone();
    let (commits, worst) = thread::scope(|scope| {
        let storm = scope.spawn(|| {
            let mut worst = 0;
            for version in 0_u32..400_000 {
                if engine.metrics().compactions >= 10 {
                    break;
                }
                let pgno = version % 100 + 1;
                let page = version.to_be_bytes().repeat(128);
                owner.commit(&[(pgno, page)].into(), 100).unwrap();
                worst = worst.max(engine.stat(&name).unwrap().unwrap().delta_count);
            }
            stop.store(true, Ordering::Relaxed);
            (owner.head.txid.get(), worst)
        });
        while !stop.load(Ordering::Relaxed) {
            let report = engine.maintain(MaintenanceBudget::default());
            assert_eq!((report.superseded, report.failures.len()), (0, 0), "{report:?}");
        }
        storm.join().unwrap()
    });
    while engine.maintain(MaintenanceBudget::default()).waiting > 0 {}
    let metrics = engine.metrics();
    println!("{commits} commits, {} compactions, {worst} deltas at worst", metrics.compactions);
    assert!(metrics.compactions >= 10, "{metrics:?}");
    assert_eq!(metrics.compactions_superseded, 0, "a commit never stands in the way");
    assert!(engine.stat(&name).unwrap().unwrap().delta_count < 4);
    owner.check();
    assert_sound(&engine, &name);
}

#[test]
fn maintenance_is_fair_and_commits_hold_back_at_the_hard_limit() {
    let kv: Arc<dyn Kv> = Arc::new(MemKv::new());
    let mut options = small_options();
    options.compaction.hard_delta_count = 20;
    options.compaction.retention_txids = 0;
    let engine = engine_with(kv, options);
    let mut owners: Vec<Owner> =
        (0..5).map(|at| Owner::claim(&engine, &actor(&format!("a{at}")))).collect();
    for version in 0..5_u8 {
        for owner in &mut owners {
            owner.commit(&[(1, vec![version; 512])].into(), 1).unwrap();
        }
    }
    let budget = MaintenanceBudget { compactions_max: 2, reclaim_batches_max: 4 };
    let mut rounds = Vec::new();
    for version in 0..3_u8 {
        // The first is busier than the others, and gets no more turns for it.
        for more in 0..6 {
            owners[0].commit(&[(1, vec![100 + version * 10 + more; 512])].into(), 1).unwrap();
        }
        rounds.push(engine.maintain(budget).compactions);
    }
    assert_eq!(rounds, [2, 2, 2]);
    let open = |at: usize| engine.stat(owners[at].actor()).unwrap().unwrap().delta_count;
    assert!((1..5).all(|at| open(at) == 0), "each had its turn");
    for version in 0..60_u8 {
        owners[1].commit(&[(1, vec![version; 512])].into(), 1).unwrap();
        let open = engine.stat(owners[1].actor()).unwrap().unwrap().delta_count;
        assert!(open <= 20, "{open}");
    }
    assert!(engine.metrics().commits_held_back >= 2);
}

/// While maintenance has the turn of a database, its commits stop at the hard limit: they wait,
/// and are refused when it takes too long. Those of others go on.
#[test]
fn the_hard_limit_holds_while_maintenance_has_the_turn() {
    for patient in [false, true] {
        let kv = Arc::new(FaultKv::new());
        let mut options = small_options();
        options.compaction.hard_delta_count = 10;
        options.compaction.hard_wait_ms = if patient { 600_000 } else { 0 };
        let engine = engine_with(kv.clone(), options);
        let (mut busy, mut other) =
            (Owner::claim(&engine, &actor("a")), Owner::claim(&engine, &actor("b")));
        for version in 0..8_u8 {
            busy.commit(&[(1, vec![version; 512])].into(), 1).unwrap();
        }
        let (name, gate) = (busy.actor().clone(), Gate::new());
        kv.fail_next(OpKind::Snapshot, Fault::HoldBefore(gate.clone()));
        thread::scope(|scope| {
            let maintenance = scope.spawn(|| engine.compact(&name));
            gate.wait_arrived(1);
            for version in 8..10_u8 {
                busy.commit(&[(1, vec![version; 512])].into(), 1).unwrap();
            }
            let held = engine.metrics().commits_held_back;
            assert_eq!(held, 0, "near the limit commits go on while maintenance works");
            if patient {
                let waits = scope.spawn(|| busy.commit(&[(1, vec![77; 512])].into(), 1).map(drop));
                while engine.metrics().commits_held_back == held {
                    thread::yield_now();
                }
                other.commit(&[(1, vec![5; 512])].into(), 1).unwrap();
                gate.open();
                waits.join().unwrap().unwrap();
            } else {
                let refused = busy.commit(&[(1, vec![77; 512])].into(), 1);
                assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
                for version in 0..9_u8 {
                    other.commit(&[(1, vec![version; 512])].into(), 1).unwrap();
                }
                gate.open();
            }
            assert!(matches!(maintenance.join().unwrap(), Ok(Compaction::Installed { .. })));
        });
        let refused = engine.metrics().commits_refused;
        assert_eq!(refused, u64::from(!patient));
        assert!(engine.stat(&name).unwrap().unwrap().delta_count <= 3);
        busy.commit(&[(1, vec![99; 512])].into(), 1).unwrap();
        busy.check();
        other.check();
        assert_sound(&engine, &name);
    }
}
