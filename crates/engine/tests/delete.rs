//! Deleting databases: what goes and what stays, owners that do not know of it, answers that are
//! lost, and a deletion between any two operations of other work.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use actor_sqlite_engine::{Engine, EngineOptions, MaintenanceBudget};
use actor_sqlite_kv::{Batch, Counters, Fault, FaultKv, Gate, Image, Kv, OpKind, SeededFaults};
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{
    ActorId, ClaimOptions, Generation, HintRange, Hints, PageStore, PageStoreAdmin, StoreError,
};
use common::workload::rows_of;
use common::*;
use fastrand::Rng;

const SIZE: u32 = 150;

/// Several chunks, batches and versions for a few pages.
fn options() -> EngineOptions {
    let mut options = small_options();
    options.compaction.batch_bytes = 3_000;
    options.compaction.retention_txids = 1;
    options
}

fn on(kv: &Arc<FaultKv>) -> Arc<Engine> {
    engine_with(kv.clone(), options())
}

/// An owner of a database with deltas, shards, replaced versions, hints and a stage that is open. All
/// fills make the same keys.
fn filled(engine: &Arc<Engine>, name: &ActorId, fill: u8) -> Owner {
    let mut owner = Owner::claim(engine, name);
    let noise = |from: u32, to: u32, fill: u8| -> Pages {
        let mut rng = Rng::with_seed(u64::from(fill));
        (from..=to).map(|pgno| (pgno, (0..512).map(|_| rng.u8(..)).collect())).collect()
    };
    owner.commit(&noise(1, SIZE, fill), SIZE).unwrap();
    owner.commit(&noise(1, 3, fill + 1), SIZE).unwrap();
    engine.compact(name).unwrap();
    owner.commit(&noise(1, 80, fill + 2), SIZE).unwrap();
    engine.compact(name).unwrap();
    owner.commit(&noise(60, 70, fill + 3), SIZE).unwrap();
    engine.save_hints(&owner.lease, &hints(1)).unwrap();
    let id = owner.next_id();
    owner.stage(id, &noise(1, 9, fill + 4)).unwrap();
    owner
}

fn hints(pages: u32) -> Hints {
    Hints { ranges: vec![HintRange { first: Pgno::ONE, pages, score: 1 }] }
}

fn one(fill: u8) -> Pages {
    [(1, vec![fill; 512])].into()
}

/// The counter of each namespace is what its databases store.
fn assert_counted(image: &Image) {
    for (key, value) in image.iter().filter(|(key, _)| key[0] == 3) {
        let namespace = [&[2], &key[1..key.len() - b"USAGE".len()]].concat();
        let rows = image.iter().filter(|(key, _)| key.starts_with(&namespace));
        let there: i64 = rows.map(|(key, value)| (key.len() + value.len()) as i64).sum();
        assert_eq!(value, [there.to_le_bytes(), (-there).to_le_bytes()].concat());
    }
}

fn assert_over<T: std::fmt::Debug>(refused: Result<T, StoreError>) {
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
}

#[test]
fn every_row_goes_and_one_floor_for_many_databases_stays() {
    for singly in [true, false] {
        let kv = Arc::new(FaultKv::new());
        let engine = on(&kv);
        let beside: Vec<_> =
            ["a", "a/b", "aa", ""].iter().map(|name| actor(&format!("{name}!"))).collect();
        for name in &beside {
            Owner::claim(&engine, name).commit(&one(3), 1).unwrap();
        }
        let before = kv.image();
        let name = actor("a");
        let mut owner = filled(&engine, &name, 1);
        if !singly {
            for fill in 0..140 {
                owner.commit(&one(fill), SIZE).unwrap();
            }
        }
        let rows = rows_of(&kv.image(), &name).len();
        assert_eq!(rows <= 128, singly, "{rows} rows");
        let (commits, ranges) = (kv.counters().commits, kv.counters().ranges_deleted);
        assert!(engine.delete(&name).unwrap().existed);
        assert_eq!(kv.counters().commits, commits + 1, "one batch");
        assert_eq!(kv.counters().ranges_deleted - ranges, u64::from(!singly));
        let image = kv.image();
        let floors: Vec<_> = image.keys().into_iter().filter(|key| key[0] == 4).collect();
        assert_eq!(floors.len(), 1);
        assert_eq!(image.get(&floors[0]).unwrap()[1..9], 1_u64.to_be_bytes());
        let others = |image: &Image| {
            let own = image.iter().filter(|(key, _)| key[0] == 2);
            own.map(|(key, value)| (key.to_vec(), value.to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(others(&image), others(&before), "and nothing else went");
        assert_counted(&image);
        beside.iter().for_each(|name| assert_sound(&engine, name));
    }
}

#[test]
fn floors_of_many_deleted_databases_are_few_and_hold_for_all_of_them() {
    let kv = Arc::new(FaultKv::new());
    let engine = on(&kv);
    let names: Vec<_> = (0..600).map(|at| actor(&format!("{at}"))).collect();
    for round in 1..=3 {
        for name in &names {
            let generation = claim(&engine, name).unwrap().lease.generation();
            assert!(generation.0 >= round, "{generation:?} in round {round}");
            engine.delete(name).unwrap();
        }
    }
    // The counter of the namespace beside them.
    assert!(kv.image().len() <= 257, "{} rows", kv.image().len());
    assert_counted(&kv.image());
}

#[test]
fn a_deletion_gives_a_namespace_its_room_back() {
    let kv = Arc::new(FaultKv::new());
    let engine = on(&kv);
    engine.set_namespace_quota("test", Some(60_000));
    let (mut full, mut other) =
        (Owner::claim(&engine, &actor("full")), Owner::claim(&engine, &actor("other")));
    let mut rng = Rng::with_seed(1);
    let noise: Pages =
        (1..=90).map(|pgno| (pgno, (0..512).map(|_| rng.u8(..)).collect())).collect();
    full.commit(&noise, 90).unwrap();
    let refused = other.commit(&noise, 90);
    assert!(matches!(refused, Err(StoreError::Quota { .. })), "{refused:?}");
    let used = engine.namespace_usage("test").unwrap();
    let stored = engine.stat(full.actor()).unwrap().unwrap().stored_bytes;
    engine.delete(full.actor()).unwrap();
    assert_eq!(engine.namespace_usage("test").unwrap(), used - stored);
    assert_eq!(engine.recount_namespace("test").unwrap(), used - stored);
    other.commit(&noise, 90).unwrap();
    other.check();
}

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

#[test]
fn a_deletion_whose_answer_is_lost_is_found_out() {
    for landed in [true, false] {
        let kv = Arc::new(FaultKv::new());
        let engine = on(&kv);
        let owner = filled(&engine, &actor("a"), 1);
        kv.fail_next(
            OpKind::Commit,
            if landed { Fault::UnknownLanded } else { Fault::UnknownLost },
        );
        let deletion = engine.delete(&actor("a")).unwrap();
        assert!(deletion.existed);
        engine.wait_durable(deletion.ticket).unwrap();
        assert_over(owner.read_all());
        assert_eq!(rows_of(&kv.image(), &actor("a")), []);
        assert_counted(&kv.image());
    }
}

/// The deletion has landed or not, and before that is found out somebody else has the name: it is not
/// done a second time.
#[test]
fn a_deletion_in_doubt_does_not_take_what_came_after_it() {
    for landed in [true, false] {
        let kv = Arc::new(FaultKv::new());
        let (engine, other) = (on(&kv), on(&kv));
        filled(&engine, &actor("a"), 1);
        kv.fail_next(
            OpKind::Commit,
            if landed { Fault::UnknownLanded } else { Fault::UnknownLost },
        );
        let after = kv.counters().commits + 1;
        let (counted, later, done) =
            (Arc::clone(&kv), Arc::new(Mutex::new(None)), AtomicBool::new(false));
        let put = Arc::clone(&later);
        kv.set_hook(Some(Arc::new(move |kind, _| {
            let now = kind == OpKind::Snapshot && counted.counters().commits >= after;
            if now && !done.swap(true, Ordering::Relaxed) {
                *put.lock().unwrap() = Some(filled(&other, &actor("a"), 7));
            }
            None
        })));
        let refused = engine.delete(&actor("a"));
        assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
        let mut later = later.lock().unwrap().take().unwrap();
        later.check();
        later.commit(&one(8), SIZE).unwrap();
        assert_eq!(later.lease.generation(), Generation(2));
        assert_sound(&engine, &actor("a"));
    }
}

#[test]
fn random_faults_of_deletions_leave_all_or_nothing() {
    let seed = seed(1);
    let (mut deleted, mut failed) = (0, 0);
    for round in 0..150 {
        let kv = Arc::new(FaultKv::new());
        let engine = on(&kv);
        let owner = filled(&engine, &actor("a"), 1);
        engine.release(&owner.lease);
        let before = rows_of(&kv.image(), &actor("a")).len();
        kv.fail_randomly(SeededFaults {
            seed: seed + round,
            unavailable_per_mille: 150,
            unknown_landed_per_mille: 200,
            unknown_lost_per_mille: 300,
            sync_fails_per_mille: 0,
        });
        let outcome = engine.delete(&actor("a"));
        kv.clear_faults();
        let rows = rows_of(&kv.image(), &actor("a")).len();
        match outcome {
            Ok(deletion) => {
                assert!(deletion.existed && rows == 0);
                deleted += 1;
            }
            Err(StoreError::Unavailable { .. }) => {
                assert!(rows == 0 || rows == before, "{rows} of {before} rows are left");
                failed += 1;
            }
            Err(error) => panic!("{error}"),
        }
        assert_counted(&kv.image());
        let expected = if rows == 0 { Pages::new() } else { owner.model };
        assert_eq!(Owner::claim(&engine, &actor("a")).model, expected);
    }
    println!("{deleted} deleted, {failed} failed");
    assert!(deleted > 20 && failed > 20);
}

#[test]
fn maintenance_passes_over_what_was_deleted_and_reports_its_bytes() {
    let kv = Arc::new(FaultKv::new());
    let engine = on(&kv);
    let mut owner = Owner::claim(&engine, &actor("a"));
    for fill in 0..8 {
        owner.commit(&one(fill), 1).unwrap();
    }
    let stored = engine.stat(&actor("a")).unwrap().unwrap().stored_bytes;
    engine.delete(&actor("a")).unwrap();
    for bytes in [stored, 0] {
        let report = engine.maintain(MaintenanceBudget::default());
        assert_eq!((report.failures, report.waiting), (vec![], 0));
        assert_eq!(report.reclaimed_bytes, bytes);
    }
    let metrics = engine.metrics();
    assert_eq!((metrics.databases_deleted, metrics.deleted_bytes), (1, stored));
    assert_eq!((metrics.open_deltas, metrics.fenced), (0, 1));
}

#[test]
fn a_damaged_floor_is_named_and_nothing_is_made_without_it() {
    let kv = Arc::new(FaultKv::new());
    let engine = on(&kv);
    let name = actor("a");
    claim(&engine, &name).unwrap();
    engine.delete(&name).unwrap();
    claim(&engine, &name).unwrap();
    let floor = kv.image().keys().into_iter().find(|key| key[0] == 4).unwrap();
    let mut value = kv.image().get(&floor).unwrap().to_vec();
    value[3] ^= 1;
    let mut batch = Batch::new();
    kv.commit(batch.put(floor, value)).unwrap();
    let named = |row: &str| assert_eq!(row, "FLOOR");
    engine.verify(&name).unwrap().damage.iter().for_each(|damage| named(&damage.row));
    assert_eq!(engine.verify(&name).unwrap().damage.len(), 1);
    // What is there goes on; deleting it needs the floor.
    let mut owner = Owner::claim(&engine, &name);
    owner.commit(&one(1), 1).unwrap();
    match engine.delete(&name) {
        Err(StoreError::Corrupt { row, .. }) => named(&row),
        other => panic!("{other:?}"),
    }
    // Another bucket has its own.
    claim(&engine, &actor("b")).unwrap();
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
    if what == "read" {
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

#[test]
fn a_deletion_is_a_look_and_a_batch() {
    let kv = Arc::new(FaultKv::new());
    let engine = on(&kv);
    let delete = || {
        let count = || {
            let Counters { snapshots, gets, multi_gets, scans, commits, guards, .. } =
                kv.counters();
            [snapshots, gets, multi_gets, scans, commits, guards]
        };
        let before = count();
        engine.delete(&actor("a")).unwrap();
        let did: Vec<_> = count().iter().zip(before).map(|(now, before)| now - before).collect();
        did
    };
    assert_eq!(delete(), [1, 0, 1, 1, 1, 1], "the three rows, no other row, and a batch");
    filled(&engine, &actor("a"), 1);
    assert_eq!(delete(), [1, 1, 1, 1, 1, 4], "the three rows, the keys, the floor, and a batch");
}
