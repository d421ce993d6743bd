//! Leases that go on after a release, with commits in doubt and with handles that should be gone.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use actor_sqlite_kv::{Batch, Fault, FaultKv, Gate, Kv, OpKind, SeededFaults};
use actor_sqlite_pagestore::{CommitId, PageStore, Resolution, StoreError};
use common::*;
use fastrand::Rng;

fn one(fill: u8) -> Pages {
    [(1, vec![fill; 512])].into()
}

/// A lease that was released while a commit was in doubt.
struct Doubt {
    kv: Arc<FaultKv>,
    owner: Owner,
    id: CommitId,
    /// Key and value of `HEAD` that guarded the commit.
    guard: (Vec<u8>, Vec<u8>),
}

fn in_doubt(landed: bool, release: bool) -> Doubt {
    let kv = Arc::new(FaultKv::new());
    let mut owner = Owner::claim(&engine(kv.clone()), &actor("a"));
    owner.commit(&one(1), 1).unwrap();
    let key = kv.image().keys().into_iter().find(|key| key.ends_with(b"HEAD")).unwrap();
    let guard = (key.clone(), kv.image().get(&key).unwrap().to_vec());
    kv.fail_next(OpKind::Commit, if landed { Fault::UnknownLanded } else { Fault::UnknownLost });
    let answered = Arc::clone(&kv);
    kv.set_hook(Some(Arc::new(move |kind, _| {
        let asked = answered.counters().commits;
        (kind == OpKind::Snapshot && asked >= 3).then_some(Fault::Unavailable)
    })));
    let id = owner.next_id();
    let doubt = owner.commit_as(id, &one(2), 1);
    assert!(matches!(doubt, Err(StoreError::UnknownCommit { .. })), "{doubt:?}");
    if release {
        owner.engine.release(&owner.lease);
    }
    Doubt { kv, owner, id, guard }
}

#[test]
fn a_resume_waits_for_a_commit_that_the_release_waits_for() {
    let kv = Arc::new(FaultKv::new());
    let mut owner = Owner::claim(&engine(kv.clone()), &actor("a"));
    owner.commit(&one(1), 1).unwrap();
    let (engine, lease, gate) = (owner.engine.clone(), owner.lease.clone(), Gate::new());
    kv.fail_next(OpKind::Commit, Fault::HoldAnswer(gate.clone()));
    std::thread::scope(|scope| {
        let commit = scope.spawn(|| owner.commit(&one(2), 1).unwrap());
        gate.wait_arrived(1);
        let release = scope.spawn(|| engine.release(&lease));
        // So long that the release has come to the commit, and the resume to one of them.
        let soon = || std::thread::sleep(std::time::Duration::from_millis(100));
        soon();
        let resumed = scope.spawn(|| resume(&engine, &lease).unwrap());
        soon();
        gate.open();
        release.join().unwrap();
        let (committed, resumed) = (commit.join().unwrap(), resumed.join().unwrap());
        assert_eq!(resumed.head, committed.head);
        assert!(resumed.ticket >= committed.ticket, "it covers what it shows");
    });
}

#[test]
fn a_commit_in_doubt_is_settled_by_the_resume() {
    for (landed, release) in [(true, true), (false, true), (true, false), (false, false)] {
        let Doubt { kv, owner, id, guard } = in_doubt(landed, release);
        let away = resume(&owner.engine, &owner.lease);
        assert!(matches!(away, Err(StoreError::Unavailable { .. })), "the store is away");
        kv.clear_faults();
        let mut again = Owner::resume(&owner.engine, &owner.lease);
        assert_eq!(again.model, if landed { one(2) } else { one(1) });
        let resolved = again.engine.resolve(&again.lease, id).unwrap();
        assert_eq!(matches!(resolved, Resolution::Landed(..)), landed, "{resolved:?}");
        // The batch cannot come any more, whatever its way took.
        let mut late = Batch::new();
        late.guard(guard.0.clone(), Some(guard.1)).put(guard.0, b"late".to_vec());
        kv.commit(&late).unwrap_err();
        again.commit(&one(3), 1).unwrap();
        again.check();
        assert_sound(&again.engine, again.actor());
        // Settled once is settled: the next resume writes nothing.
        again.engine.release(&again.lease);
        let before = kv.counters().commits;
        Owner::resume(&again.engine, &again.lease).check();
        assert_eq!(kv.counters().commits, before);
    }
}

#[test]
fn a_lease_that_was_dropped_leaves_its_doubt() {
    for landed in [false, true] {
        let Doubt { kv, owner, guard, id } = in_doubt(landed, false);
        let (engine, name) = (Arc::clone(&owner.engine), owner.actor().clone());
        let generation = owner.lease.generation();
        drop(owner);
        kv.clear_faults();
        let options = actor_sqlite_pagestore::ClaimOptions {
            resume: Some(generation),
            ..claim_options(PAGE)
        };
        let claim = engine.claim(&name, &options).unwrap();
        assert_ne!(kv.image().get(&guard.0), Some(&guard.1[..]), "HEAD was written again");
        let mut again = Owner::of(&engine, claim).unwrap();
        assert_eq!(again.model, one(if landed { 2 } else { 1 }));
        let committed = again.commit_as(id, &one(2), 1).unwrap();
        assert_eq!(committed.head.txid.get(), 2, "once, not twice");
        again.check();
        assert_sound(&engine, &name);
    }
}

#[test]
fn of_two_handles_on_two_engines_one_commits() {
    let kv = Arc::new(FaultKv::new());
    let mut first = Owner::claim(&engine(kv.clone()), &actor("a"));
    first.commit(&one(1), 1).unwrap();
    // The lease is not released, and this engine knows nothing of it.
    let mut second = Owner::resume(&engine(kv), &first.lease);
    second.commit(&one(2), 1).unwrap();
    let refused = first.commit(&one(3), 1);
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    assert!(matches!(first.read_all(), Err(StoreError::Fenced { .. })));
    second.check();
    assert_sound(&second.engine, second.actor());
}

#[test]
fn an_id_that_landed_is_not_taken_again() {
    let kv = Arc::new(FaultKv::new());
    let mut owner = Owner::claim(&engine(kv), &actor("a"));
    for fill in 1..4 {
        owner.commit(&one(fill), 1).unwrap();
    }
    let last = CommitId { generation: owner.lease.generation(), sequence: owner.sequence };
    let earlier = CommitId { sequence: last.sequence - 1, ..last };
    owner.engine.release(&owner.lease);
    let mut owner = Owner::resume(&owner.engine, &owner.lease);
    let head = owner.head;
    let again = owner.commit_as(last, &one(3), 1).unwrap();
    assert_eq!(again.head, head, "the same commit sent again has landed already");
    let refused = owner.commit_as(earlier, &one(9), 1);
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    owner.commit(&one(4), 1).unwrap();
    owner.check();
}

#[test]
fn a_resume_survives_maintenance_and_its_leftovers() {
    let kv = Arc::new(FaultKv::new());
    let mut options = small_options();
    options.compaction.batch_bytes = 600;
    let mut owner = Owner::claim(&engine_with(kv.clone(), options), &actor("a"));
    let mut rng = Rng::with_seed(3);
    let pages: Pages = (1..=150).map(|pgno| (pgno, random_page(&mut rng, 512))).collect();
    owner.commit(&pages, 150).unwrap();
    owner.commit_random(&mut rng, 150);
    owner.engine.release(&owner.lease);
    let commits = kv.counters().commits;
    kv.fail_nth(OpKind::Commit, commits + 3, Fault::Unavailable);
    owner.engine.compact(owner.actor()).unwrap_err();
    let mut again = Owner::resume(&owner.engine, &owner.lease);
    assert_eq!(again.model, owner.model);
    again.commit_random(&mut rng, 150);
    for _ in 0..2 {
        again.engine.compact(again.actor()).unwrap();
    }
    again.check();
    assert_sound(&again.engine, again.actor());
}

#[test]
fn random_faults_between_resumes_lose_nothing() {
    let seed = seed(1);
    let (mut resumed, mut refused) = (0, 0);
    for round in 0..20 {
        let kv = Arc::new(FaultKv::new());
        let engine = engine(kv.clone());
        let mut owner = Owner::claim(&engine, &actor("a"));
        let mut rng = Rng::with_seed(seed + round);
        let faults = SeededFaults {
            seed: seed + round,
            unavailable_per_mille: 60,
            unknown_landed_per_mille: 80,
            unknown_lost_per_mille: 80,
            sync_fails_per_mille: 0,
        };
        for _ in 0..40 {
            kv.fail_randomly(faults);
            let (pages, size) = owner.transaction(&mut rng, 60);
            let id = owner.next_id();
            let known = owner.commit_as(id, &pages, size).is_ok();
            if rng.bool() {
                owner.engine.release(&owner.lease);
            }
            let again = (0..50).find_map(|_| match resume(&engine, &owner.lease) {
                Ok(claim) => Some(claim),
                Err(StoreError::Unavailable { .. }) => None,
                Err(error) => panic!("{error}"),
            });
            kv.clear_faults();
            let again = Owner::of(&engine, again.unwrap()).unwrap();
            let after = after(&owner.model, &pages, size);
            assert!(again.model == after || (!known && again.model == owner.model));
            let landed = again.head.txid > owner.head.txid || known;
            refused += u64::from(!landed);
            resumed += 1;
            owner = again;
        }
        assert_sound(&engine, owner.actor());
    }
    println!("{resumed} resumes, {refused} commits that did not land");
    assert!(refused > 20);
}
