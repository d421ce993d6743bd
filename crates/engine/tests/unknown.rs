//! Commits whose answer was lost.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use actor_sqlite_engine::{Compaction, Engine};
use actor_sqlite_kv::{Batch, Fault, FaultKv, Gate, Kv, OpKind, SeededFaults};
use actor_sqlite_pagestore::{CommitId, PageStore, Resolution, StoreError};
use common::*;
use fastrand::Rng;

fn one(fill: u8) -> Pages {
    [(1, vec![fill; 512])].into()
}

fn owner() -> (Arc<FaultKv>, Owner) {
    let kv = Arc::new(FaultKv::new());
    let mut owner = Owner::claim(&eager(kv.clone()), &actor("a"));
    owner.commit(&one(1), 1).unwrap();
    (kv, owner)
}

/// An engine that keeps no delta below the watermark.
fn eager(kv: Arc<dyn Kv>) -> Arc<Engine> {
    let mut options = small_options();
    options.compaction.retention_txids = 0;
    engine_with(kv, options)
}

#[test]
fn a_commit_that_landed_is_a_commit() {
    let (kv, mut owner) = owner();
    kv.fail_next(OpKind::Commit, Fault::UnknownLanded);
    let before = owner.head;
    let committed = owner.commit(&one(2), 1).unwrap();
    assert_eq!(committed.head.txid, before.txid.next());
    kv.wait_durable(actor_sqlite_kv::Ticket(committed.ticket.0)).unwrap();
    owner.check();
    owner.commit(&one(3), 1).unwrap();
    owner.check();
    assert_sound(&owner.engine, owner.actor());
    assert_eq!(owner.engine.metrics().commits_resolved_landed, 1);
}

#[test]
fn a_commit_that_did_not_land_can_be_made_again() {
    let (kv, mut owner) = owner();
    kv.fail_next(OpKind::Commit, Fault::UnknownLost);
    let id = owner.next_id();
    let refused = owner.commit_as(id, &one(2), 1);
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    assert_eq!(owner.engine.resolve(&owner.lease, id), Ok(Resolution::NotLanded));
    owner.check();
    owner.commit_as(id, &one(2), 1).unwrap();
    owner.check();
    assert_eq!(owner.engine.metrics().commits_resolved_not_landed, 1);
}

/// The store is away just long enough that the commit ends in doubt, then comes back.
fn in_doubt(landed: bool) -> (Arc<FaultKv>, Owner, CommitId) {
    let (kv, mut owner) = owner();
    let fault = if landed { Fault::UnknownLanded } else { Fault::UnknownLost };
    kv.fail_next(OpKind::Commit, fault);
    let id = owner.next_id();
    let answered = Arc::clone(&kv);
    kv.set_hook(Some(Arc::new(move |kind, _| {
        let asked = answered.counters().commits;
        (kind == OpKind::Snapshot && asked >= 3).then_some(Fault::Unavailable)
    })));
    let doubt = owner.commit_as(id, &one(2), 1);
    assert!(
        matches!(doubt, Err(StoreError::UnknownCommit { commit_id, .. }) if commit_id == id),
        "{doubt:?}"
    );
    kv.clear_faults();
    (kv, owner, id)
}

#[test]
fn a_commit_in_doubt_is_not_said_to_have_changed_nothing() {
    for landed in [true, false] {
        let (kv, mut owner) = owner();
        let fault = if landed { Fault::UnknownLanded } else { Fault::UnknownLost };
        kv.fail_next(OpKind::Commit, fault);
        // The disk is full when the outcome is asked for.
        let asked = kv.counters().commits + 1;
        let counted = Arc::clone(&kv);
        kv.set_hook(Some(Arc::new(move |kind, _| {
            let commits = counted.counters().commits;
            (kind == OpKind::Commit && commits > asked).then_some(Fault::Full)
        })));
        let id = owner.next_id();
        let doubt = owner.commit_as(id, &one(2), 1);
        assert!(matches!(doubt, Err(StoreError::UnknownCommit { .. })), "{doubt:?}");
        kv.clear_faults();
        let resolved = owner.engine.resolve(&owner.lease, id).unwrap();
        assert_eq!(matches!(resolved, Resolution::Landed(..)), landed);
    }
}

#[test]
fn a_commit_in_doubt_is_resolved_when_the_store_is_back() {
    let (_, mut owner, id) = in_doubt(true);
    let resolved = owner.engine.resolve(&owner.lease, id).unwrap();
    let Resolution::Landed(head, _) = resolved else { panic!("{resolved:?}") };
    owner.entered(&one(2), 1, head);
    owner.check();
    owner.commit(&one(3), 1).unwrap();
    assert_sound(&owner.engine, owner.actor());

    let (_, mut owner, id) = in_doubt(false);
    assert_eq!(owner.engine.resolve(&owner.lease, id), Ok(Resolution::NotLanded));
    owner.check();
    owner.commit_as(id, &one(2), 1).unwrap();
    owner.check();
}

#[test]
fn a_commit_in_doubt_is_settled_by_sending_it_again() {
    for landed in [true, false] {
        let (_, mut owner, id) = in_doubt(landed);
        let before = owner.head;
        let committed = owner.commit_as(id, &one(2), 1).unwrap();
        assert_eq!(committed.head.txid, before.txid.next(), "once, not twice");
        owner.check();
        assert_sound(&owner.engine, owner.actor());
    }
}

#[test]
fn compaction_does_not_show_a_commit_in_doubt_to_the_readers_of_before() {
    let (_, mut owner, id) = in_doubt(true);
    owner.engine.compact(owner.actor()).unwrap();
    owner.engine.reclaim(owner.actor(), 9).unwrap();
    owner.check();
    // An engine that knows nothing of the doubt takes the rows of the old state away. The read
    // settles the commit, and must not answer with the pages of the new state.
    let another = eager(owner.engine.store());
    assert!(matches!(another.compact(owner.actor()), Ok(Compaction::Installed { .. })));
    assert!(another.reclaim(owner.actor(), 9).unwrap().rows > 0);
    let read = owner.read_all();
    assert!(matches!(read, Err(StoreError::Invalid { .. })), "{read:?}");
    let committed = owner.commit_as(id, &one(2), 1).unwrap();
    assert_eq!(committed.head.txid.get(), 2);
    owner.check();
}

/// A commit that is sent again at the hard limit, while maintenance has the turn.
#[test]
fn a_commit_that_landed_is_not_held_back() {
    let kv = Arc::new(FaultKv::new());
    let mut options = small_options();
    options.compaction.hard_delta_count = 10;
    options.compaction.hard_wait_ms = 0;
    let engine = engine_with(kv.clone(), options);
    let mut owner = Owner::claim(&engine, &actor("a"));
    for version in 0..9 {
        owner.commit(&one(version), 1).unwrap();
    }
    let (name, gate) = (owner.actor().clone(), Gate::new());
    kv.fail_next(OpKind::Snapshot, Fault::HoldBefore(gate.clone()));
    std::thread::scope(|scope| {
        let maintenance = scope.spawn(|| engine.compact(&name).unwrap());
        gate.wait_arrived(1);
        let id = owner.next_id();
        let before = owner.head;
        let first = owner.commit_as(id, &one(9), 1).unwrap();
        owner.head = before;
        let again = owner.commit_as(id, &one(9), 1);
        let more = owner.commit(&one(10), 1);
        gate.open();
        maintenance.join().unwrap();
        assert_eq!(again.unwrap().head, first.head);
        assert!(matches!(more, Err(StoreError::Unavailable { .. })), "{more:?}");
    });
    owner.check();
}

#[test]
fn a_batch_that_arrives_late_does_not_land() {
    let (kv, mut owner) = owner();
    let head_key = kv.image().keys().into_iter().find(|key| key.ends_with(b"HEAD")).unwrap();
    let head = kv.image().get(&head_key).unwrap().to_vec();
    kv.fail_next(OpKind::Commit, Fault::UnknownLost);
    let id = owner.next_id();
    owner.commit_as(id, &one(2), 1).unwrap_err();
    let mut late = Batch::new();
    late.guard(head_key.clone(), Some(head)).put(head_key, b"late".to_vec());
    kv.commit(&late).unwrap_err();
    owner.check();
}

#[test]
fn random_faults_lose_nothing_and_double_nothing() {
    let seed = seed(1);
    let mut resolved = 0;
    for round in 0..20 {
        let kv = Arc::new(FaultKv::new());
        let engine = engine(kv.clone());
        let mut owner = Owner::claim(&engine, &actor("a"));
        let mut rng = Rng::with_seed(seed + round);
        kv.fail_randomly(SeededFaults {
            seed: seed + round,
            unavailable_per_mille: 60,
            unknown_landed_per_mille: 80,
            unknown_lost_per_mille: 80,
            sync_fails_per_mille: 0,
        });
        if round % 2 == 1 {
            full_at_random(&kv, seed + round);
        }
        for _ in 0..120 {
            step(&kv, &mut owner, &mut rng);
        }
        kv.clear_faults();
        owner.check();
        assert_sound(&engine, owner.actor());
        let model = owner.model.clone();
        assert_eq!(Owner::claim(&engine, &actor("a")).model, model);
        let metrics = engine.metrics();
        resolved += metrics.commits_resolved_landed + metrics.commits_resolved_not_landed;
    }
    println!("{resolved} commits resolved");
    assert!(resolved > 100);
}

fn step(kv: &FaultKv, owner: &mut Owner, rng: &mut Rng) {
    match rng.u32(0..10) {
        0 => drop(owner.engine.compact(owner.actor())),
        1 => drop(owner.engine.reclaim(owner.actor(), 3)),
        2 => match owner.read_all() {
            Ok(pages) => assert_eq!(pages, owner.model),
            Err(
                StoreError::Unavailable { .. }
                | StoreError::UnknownCommit { .. }
                | StoreError::Full { .. },
            ) => {}
            Err(error) => panic!("{error}"),
        },
        _ => {
            let (pages, size) = owner.transaction(rng, 100);
            let id = owner.next_id();
            // Sent again until it is known to have landed, as a client does.
            for _ in 0..50 {
                match owner.commit_as(id, &pages, size) {
                    Ok(_) => return,
                    Err(StoreError::UnknownCommit { .. }) => {}
                    Err(StoreError::Unavailable { .. } | StoreError::Full { .. }) => {
                        assert_nothing_landed(kv, owner);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            panic!("50 tries");
        }
    }
}
