//! Deleting databases: what goes and what stays, and answers that are lost.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use actor_sqlite_engine::MaintenanceBudget;
use actor_sqlite_kv::{Batch, Counters, Fault, FaultKv, Image, Kv, OpKind, SeededFaults};
use actor_sqlite_pagestore::{ClaimOptions, Generation, PageStore, PageStoreAdmin, StoreError};
use common::deleting::*;
use common::workload::rows_of;
use common::*;
use fastrand::Rng;

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
fn an_owner_at_its_quota_is_told_that_it_is_over() {
    let kv = Arc::new(FaultKv::new());
    let (engine, other) = (on(&kv), on(&kv));
    let quota = ClaimOptions { quota_bytes: Some(20_000), ..claim_options(PAGE) };
    let claim = engine.claim(&actor("a"), &quota).unwrap();
    let mut owner = Owner::of(&engine, claim).unwrap();
    let mut rng = Rng::with_seed(1);
    let mut noise = || -> Pages {
        (1..=90).map(|pgno| (pgno, (0..512).map(|_| rng.u8(..)).collect())).collect()
    };
    let refused = owner.commit(&noise(), 90);
    assert!(matches!(refused, Err(StoreError::Quota { .. })), "{refused:?}");
    other.delete(&actor("a")).unwrap();
    assert_over(owner.commit(&noise(), 90));
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

#[test]
fn a_database_is_withdrawn_only_from_a_claim_that_has_not_committed_and_was_the_last() {
    let kv = Arc::new(FaultKv::new());
    let engine = on(&kv);
    let name = actor("a");
    let generation = || engine.stat(&name).unwrap().unwrap().generation;
    assert!(!engine.withdraw(&name, Generation(1)).unwrap());
    let mut owner = Owner::claim(&engine, &name);
    let id = owner.next_id();
    owner.stage(id, &one(1)).unwrap();
    let first = generation();
    let other = Owner::claim(&engine, &name);
    assert!(!engine.withdraw(&name, first).unwrap());
    assert!(engine.withdraw(&name, generation()).unwrap());
    assert!(!engine.exists(&name).unwrap());
    assert_over(other.read_all());
    let mut owner = Owner::claim(&engine, &name);
    owner.commit(&one(1), 1).unwrap();
    assert!(!engine.withdraw(&name, generation()).unwrap());
    owner.check();
}
