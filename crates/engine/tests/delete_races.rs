//! Owners and hosts that do not know of a deletion: none goes on with what was deleted, or with a later
//! database of the same name.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use actor_sqlite_engine::{Engine, EngineOptions};
use actor_sqlite_kv::{Batch, Fault, FaultKv, Gate, Kv, OpKind};
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{ClaimOptions, Generation, PageStore, PageStoreAdmin, StoreError};
use common::deleting::*;
use common::workload::rows_of;
use common::*;
use fastrand::Rng;

#[test]
fn an_owner_that_commits_all_the_time_does_not_keep_its_database() {
    for same_engine in [true, false] {
        let kv = Arc::new(FaultKv::new());
        let engine = on(&kv);
        let mut owner = Owner::claim(&engine, &actor("a"));
        owner.commit(&one(0), 1).unwrap();
        let (other, begun) = (on(&kv), AtomicU64::new(0));
        thread::scope(|scope| {
            let storm = scope.spawn(|| {
                for fill in 0.. {
                    begun.fetch_add(1, Ordering::Relaxed);
                    if let Err(error) = owner.commit(&one(fill as u8), 1) {
                        return error;
                    }
                }
                unreachable!()
            });
            while begun.load(Ordering::Relaxed) < 100 {
                thread::yield_now();
            }
            let deleting = if same_engine { &engine } else { &other };
            // From outside it may lose the race a few times over.
            let deleted = (0..1_000).find_map(|_| deleting.delete(&actor("a")).ok());
            assert!(deleted.unwrap().existed);
            assert!(matches!(storm.join().unwrap(), StoreError::Fenced { .. }));
        });
        assert_eq!(rows_of(&kv.image(), &actor("a")), []);
        assert_counted(&kv.image());
    }
}

/// A commit on its way when the database is deleted, and made anew with the same content.
#[test]
fn a_commit_on_its_way_does_not_land_in_a_later_database() {
    for again in [false, true] {
        let kv = Arc::new(FaultKv::new());
        let (engine, other) = (on(&kv), on(&kv));
        let mut owner = Owner::claim(&engine, &actor("a"));
        owner.commit(&one(1), 1).unwrap();
        let gate = Gate::new();
        kv.fail_next(OpKind::Commit, Fault::HoldBefore(gate.clone()));
        thread::scope(|scope| {
            let commit = scope.spawn(|| owner.commit(&one(2), 1));
            gate.wait_arrived(1);
            assert!(other.delete(&actor("a")).unwrap().existed);
            let mut later = again.then(|| Owner::claim(&other, &actor("a")));
            if let Some(later) = &mut later {
                later.commit(&one(1), 1).unwrap();
            }
            gate.open();
            match commit.join().unwrap() {
                Err(StoreError::Fenced { actual_generation, .. }) => {
                    assert_eq!(actual_generation.0, if again { 2 } else { 0 });
                }
                other => panic!("{other:?}"),
            }
            if let Some(mut later) = later {
                later.check();
                later.commit(&one(5), 1).unwrap();
                assert_sound(&other, &actor("a"));
            }
        });
        assert_eq!(rows_of(&kv.image(), &actor("a")).is_empty(), !again);
    }
}

/// A commit in doubt, whose lease then sleeps and whose database is deleted.
#[test]
fn a_commit_in_doubt_ends_with_the_deletion() {
    for landed in [true, false] {
        let kv = Arc::new(FaultKv::new());
        let engine = on(&kv);
        let mut owner = Owner::claim(&engine, &actor("a"));
        owner.commit(&one(1), 1).unwrap();
        let key = kv.image().keys().into_iter().find(|key| key.ends_with(b"HEAD")).unwrap();
        let guard = kv.image().get(&key).unwrap().to_vec();
        kv.fail_next(
            OpKind::Commit,
            if landed { Fault::UnknownLanded } else { Fault::UnknownLost },
        );
        let counted = Arc::clone(&kv);
        let asked = kv.counters().commits + 1;
        kv.set_hook(Some(Arc::new(move |kind, _| {
            let lost = counted.counters().commits >= asked;
            (kind == OpKind::Snapshot && lost).then_some(Fault::Unavailable)
        })));
        let doubt = owner.commit(&one(2), 1);
        assert!(matches!(doubt, Err(StoreError::UnknownCommit { .. })), "{doubt:?}");
        engine.release(&owner.lease);
        kv.clear_faults();
        assert!(engine.delete(&actor("a")).unwrap().existed);
        assert_over(resume(&engine, &owner.lease));
        let later = filled(&engine, &actor("a"), 9);
        let mut late = Batch::new();
        late.guard(key.clone(), Some(guard)).put(key, b"late".to_vec());
        kv.commit(&late).unwrap_err();
        assert_over(resume(&engine, &owner.lease));
        later.check();
        assert_counted(&kv.image());
    }
}

/// Owners, hosts that look after the databases, and some that delete them, all at once on two engines:
/// each generation is granted once, and who has committed all the time has what it committed.
#[test]
fn generations_that_many_take_at_once_are_all_different() {
    let seed = seed(1);
    let kv = Arc::new(FaultKv::new());
    let engines = [on(&kv), on(&kv)];
    let names: Vec<_> = ["a", "b", "c"].map(actor).to_vec();
    let granted = Mutex::new(std::collections::HashSet::new());
    let (stop, deleted) = (AtomicBool::new(false), AtomicU64::new(0));
    let own = |engine: &Arc<Engine>, seed: u64| {
        let mut rng = Rng::with_seed(seed);
        for _ in 0..150 {
            let name = &names[rng.usize(..names.len())];
            let mut owner = match claim(engine, name) {
                Ok(claim) => {
                    let grant = (name.clone(), claim.lease.generation());
                    assert!(granted.lock().unwrap().insert(grant.clone()), "{grant:?} again");
                    match Owner::of(engine, claim) {
                        Ok(owner) => owner,
                        Err(StoreError::Fenced { .. }) => continue,
                        Err(error) => panic!("{error}"),
                    }
                }
                Err(StoreError::Fenced { .. } | StoreError::Unavailable { .. }) => continue,
                Err(error) => panic!("{error}"),
            };
            for _ in 0..rng.u32(1..8) {
                let (pages, size) = owner.transaction(&mut rng, 90);
                let committed = owner.commit(&pages, size).map(drop);
                match committed.and_then(|()| owner.read_all()) {
                    Ok(read) => assert!(read == owner.model, "{name} has pages of another life"),
                    Err(StoreError::Fenced { .. }) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    };
    let tend = |engine: &Arc<Engine>, seed: u64| {
        let mut rng = Rng::with_seed(seed);
        while !stop.load(Ordering::Relaxed) {
            let name = &names[rng.usize(..names.len())];
            let outcome = match rng.u32(0..8) {
                0 => engine.delete(name).map(|deletion| {
                    deleted.fetch_add(u64::from(deletion.existed), Ordering::Relaxed);
                }),
                1..4 => engine.compact(name).map(drop),
                4..6 => engine.reclaim(name, 3).map(drop),
                _ => engine.verify(name).map(|found| assert_eq!(found.damage, [])),
            };
            match outcome {
                Ok(()) | Err(StoreError::NotFound { .. } | StoreError::Unavailable { .. }) => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    };
    let (own, tend) = (&own, &tend);
    thread::scope(|scope| {
        let mut owners = Vec::new();
        for (at, engine) in engines.iter().enumerate() {
            for number in [at as u64, 2 + at as u64] {
                owners.push(scope.spawn(move || own(engine, seed + number)));
            }
            scope.spawn(move || tend(engine, seed + 10 + at as u64));
        }
        let ended: Vec<_> = owners.into_iter().map(|owner| owner.join()).collect();
        stop.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|owner| owner.unwrap());
    });
    println!(
        "{} granted, {} deleted",
        granted.lock().unwrap().len(),
        deleted.load(Ordering::Relaxed)
    );
    assert!(deleted.load(Ordering::Relaxed) > 3);
    assert_counted(&kv.image());
    for name in names.iter().filter(|name| engines[0].exists(name).unwrap()) {
        assert_sound(&engines[0], name);
    }
}

/// What an owner or a host does.
type Work = fn(&Arc<Engine>, &mut Owner) -> Result<(), StoreError>;

fn works() -> Vec<(&'static str, Work)> {
    vec![
        ("commit", |_, owner| owner.commit(&one(77), SIZE).map(drop)),
        ("shrink", |_, owner| owner.commit(&one(77), 5).map(drop)),
        ("staged commit", |_, owner| {
            let id = owner.next_id();
            let parts = [one(70), one(71)];
            parts.iter().try_for_each(|part| owner.stage(id, part))?;
            owner.commit_staged(id, &parts, &one(72), SIZE).map(drop)
        }),
        ("read", |_, owner| {
            assert_eq!(owner.read_all()?, owner.model);
            Ok(())
        }),
        ("read of a shard", |engine, owner| {
            let asked = [Pgno::new(140).unwrap()];
            let mut sink =
                Strict { asked: &asked, sink: Sink { page_bytes: 512, ..Sink::default() } };
            engine.read(&owner.lease, owner.head.txid, &asked, &mut sink)?;
            assert_eq!(sink.sink.pages[&140], owner.model[&140], "of another life");
            Ok(())
        }),
        ("hints", |engine, owner| engine.save_hints(&owner.lease, &hints(9))),
        ("release", |engine, owner| {
            engine.release(&owner.lease);
            Ok(())
        }),
        ("resume", |engine, owner| {
            let generation = owner.lease.generation();
            let claim = resume(engine, &owner.lease)?;
            assert_eq!(claim.lease.generation(), generation);
            let again = Owner::of(engine, claim)?;
            assert_eq!(again.model, owner.model, "what it resumes is its own");
            *owner = again;
            Ok(())
        }),
        ("claim", |engine, owner| {
            let options = ClaimOptions { create: false, ..claim_options(PAGE) };
            let claim = engine.claim(owner.actor(), &options)?;
            assert!(claim.lease.generation() > owner.lease.generation());
            Owner::of(engine, claim).map(drop)
        }),
        ("compact", |engine, owner| engine.compact(owner.actor()).map(drop)),
        ("reclaim", |engine, owner| engine.reclaim(owner.actor(), 9).map(drop)),
        ("sweep", |engine, owner| {
            engine.release(&owner.lease);
            engine.sweep(owner.actor(), 9).map(drop)
        }),
        ("delete", |engine, owner| engine.delete(owner.actor()).map(drop)),
        ("verify", |engine, owner| {
            assert_eq!(engine.verify(owner.actor())?.damage, []);
            Ok(())
        }),
        ("stat", |engine, owner| engine.stat(owner.actor()).map(drop)),
        ("reader", |engine, owner| engine.reader(owner.actor(), None).map(drop)),
    ]
}

/// Does some work, and before its nth operation of the store the database is deleted from another
/// host, and made anew with the same keys and other content. `false` if the work was over by then.
fn deleted_within(what: &str, work: Work, nth: u64, again: bool) -> bool {
    let kv = Arc::new(FaultKv::new());
    let name = actor("a");
    let owner = filled(&on(&kv), &name, 1);
    // Another view of the database, without an index in memory.
    owner.engine.release(&owner.lease);
    let (engine, other) = (on(&kv), on(&kv));
    let mut owner = Owner::of(&engine, resume(&engine, &owner.lease).unwrap()).unwrap();
    if what.starts_with("read") {
        let bare = EngineOptions { shard_index_bytes_max: 0, ..options() };
        let bare = engine_with(kv.clone(), bare);
        owner = Owner::of(&bare, resume(&bare, &owner.lease).unwrap()).unwrap();
    }
    let later = Arc::new(Mutex::new(None));
    let (count, put, of) = (AtomicU64::new(0), Arc::clone(&later), name.clone());
    kv.set_hook(Some(Arc::new(move |_, _| {
        if count.fetch_add(1, Ordering::Relaxed) + 1 == nth {
            other.delete(&of).unwrap();
            *put.lock().unwrap() = Some(again.then(|| filled(&other, &of, 100)));
        }
        None
    })));
    let engine = owner.engine.clone();
    let before = owner.lease.generation();
    let outcome = work(&engine, &mut owner);
    kv.set_hook(None);
    let Some(later) = later.lock().unwrap().take() else { return false };
    let at = format!("{what}, deleted before operation {nth}, made anew: {again}");
    match &outcome {
        Ok(())
        | Err(
            StoreError::Fenced { .. }
            | StoreError::NotFound { .. }
            | StoreError::Closed
            | StoreError::Unavailable { .. },
        ) => {}
        Err(error) => panic!("{at}: {error}"),
    }
    let image = kv.image();
    assert_counted(&image);
    let rows = rows_of(&image, &name);
    assert!(again || rows.is_empty(), "{at}: {} rows are back", rows.len());
    // The old lease is over, and says so.
    if owner.lease.generation() == before && !matches!(what, "release" | "sweep") {
        let refused = owner.commit(&one(99), SIZE);
        let over = matches!(refused, Err(StoreError::Fenced { .. } | StoreError::Closed));
        assert!(over, "{at}: then {refused:?}");
        assert!(owner.read_all().is_err(), "{at}");
    }
    if let Some(later) = later {
        let there = kv.image().keys().iter().any(|key| key.ends_with(b"HEAD"));
        assert!(there || what == "delete", "{at}: the later database is gone");
        if there {
            let claim = Owner::claim(&engine, &name);
            assert_eq!(claim.model, later.model, "{at}");
            assert_sound(&engine, &name);
        }
    }
    true
}

#[test]
fn a_deletion_between_any_two_operations_of_other_work_is_whole() {
    let mut points = 0;
    for (what, work) in works() {
        for again in [false, true] {
            let reached = (1..).take_while(|&nth| deleted_within(what, work, nth, again)).count();
            assert!(reached > 0 || what == "release", "{what} does not ask the store");
            points += reached;
        }
    }
    println!("{points} places");
    assert!(points > 100);
}

/// A database is claimed for the first time, and before the batch that makes it another host has made,
/// claimed and deleted one.
#[test]
fn a_creation_that_was_overtaken_by_a_whole_life_takes_a_higher_generation() {
    let kv = Arc::new(FaultKv::new());
    let (engine, other) = (on(&kv), on(&kv));
    let gate = Gate::new();
    kv.fail_next(OpKind::Commit, Fault::HoldBefore(gate.clone()));
    thread::scope(|scope| {
        let creation = scope.spawn(|| claim(&engine, &actor("a")).unwrap());
        gate.wait_arrived(1);
        let life: Vec<_> = (0..3).map(|_| claim(&other, &actor("a")).unwrap()).collect();
        assert!(other.delete(&actor("a")).unwrap().existed);
        gate.open();
        let created = creation.join().unwrap();
        assert_eq!(life.last().unwrap().lease.generation(), Generation(3));
        assert_eq!(created.lease.generation(), Generation(4));
    });
    assert_eq!(engine.metrics().claim_retries, 1);
}
