//! Staged commits: what they cost, what becomes of a stage whose answer is lost or whose owner is
//! fenced, and that what is given up is swept.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use actor_sqlite_engine::{Compaction, Engine, EngineOptions, MaintenanceBudget};
use actor_sqlite_kv::{
    Counters, Fault, FaultKv, Image, Limits, MemKv, OpKind, SeededFaults, SyncMode,
};
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{CommitId, PageStore, PageStoreAdmin, Resolution, StoreError};
use common::*;
use fastrand::Rng;

fn noise(rng: &mut Rng, numbers: impl Iterator<Item = u32>) -> Pages {
    numbers.map(|pgno| (pgno, (0..PAGE).map(|_| rng.u8(..)).collect())).collect()
}

/// An owner of 20 pages.
fn owner_of(engine: &Arc<Engine>) -> Owner {
    let mut owner = Owner::claim(engine, &actor("a"));
    owner.commit(&noise(&mut Rng::with_seed(1), 1..=20), 20).unwrap();
    owner
}

fn owner() -> (Arc<FaultKv>, Owner) {
    let kv = Arc::new(FaultKv::new());
    (kv.clone(), owner_of(&engine(kv)))
}

fn read_staged(owner: &Owner, id: CommitId, pgno: u32) -> Result<Vec<u8>, StoreError> {
    let mut sink = Sink { page_bytes: PAGE as usize, ..Sink::default() };
    let asked = [Pgno::new(pgno).unwrap()];
    owner.engine.read_staged(&owner.lease, id, &asked, &mut sink)?;
    Ok(sink.pages[&pgno].clone())
}

/// Rows of stages that are there.
fn staged_rows(kv: &FaultKv) -> usize {
    let is_staged = |key: &&Vec<u8>| {
        let path = key.split(|&byte| byte == 0).nth(2).unwrap_or_default();
        path.starts_with(b"STAGE/") || path.starts_with(b"STIX/") || path.starts_with(b"STAGED/")
    };
    kv.image().keys().iter().filter(is_staged).count()
}

fn since(kv: &FaultKv, before: Counters) -> Counters {
    let after = kv.counters();
    Counters {
        snapshots: after.snapshots - before.snapshots,
        gets: after.gets - before.gets,
        multi_gets: after.multi_gets - before.multi_gets,
        scans: after.scans - before.scans,
        commits: after.commits - before.commits,
        guards: after.guards - before.guards,
        rows_put: after.rows_put - before.rows_put,
        rows_deleted: after.rows_deleted - before.rows_deleted,
        ..Counters::default()
    }
}

#[test]
fn a_staged_commit_is_a_batch_a_segment_and_four_rows_and_reads_nothing() {
    let kv = Arc::new(FaultKv::new());
    let engine = engine_with(kv.clone(), EngineOptions::default());
    let mut owner = owner_of(&engine);
    let mut rng = Rng::with_seed(2);
    let id = owner.next_id();
    let parts: Vec<Pages> =
        (0..5).map(|part| noise(&mut rng, 10 + part * 5..=20 + part * 5)).collect();
    for part in &parts {
        let before = kv.counters();
        owner.stage(id, part).unwrap();
        // A chunk, its index, and HEAD.
        let expected = Counters { commits: 1, guards: 1, rows_put: 3, ..Counters::default() };
        assert_eq!(since(&kv, before), expected);
    }
    let before = kv.counters();
    owner.commit_staged(id, &parts, &Pages::new(), 40).unwrap();
    // STAGED, PIDX and HEAD.
    let expected = Counters { commits: 1, guards: 1, rows_put: 3, ..Counters::default() };
    assert_eq!(since(&kv, before), expected);

    let id = owner.next_id();
    owner.stage(id, &parts[0]).unwrap();
    let before = kv.counters();
    let rest = noise(&mut rng, 1..=3);
    owner.commit_staged(id, &parts[..1], &rest, 40).unwrap();
    let expected = Counters { rows_put: 5, ..expected };
    assert_eq!(since(&kv, before), expected, "the rest is the last segment");
    let before = kv.counters();
    assert_eq!(read_all(&engine, &owner.lease, &owner.head).unwrap(), owner.model);
    assert!(since(&kv, before).gets <= 8, "a row is read once");
    let metrics = engine.metrics();
    assert_eq!((metrics.stages_begun, metrics.stages_committed), (2, 2));
    assert_eq!((metrics.stage_segments, metrics.stages_discarded), (6, 0));
    assert_sound(&engine, owner.actor());
}

#[test]
fn a_page_is_read_back_by_one_get() {
    let (kv, mut owner) = owner();
    let id = owner.next_id();
    let part = noise(&mut Rng::with_seed(2), 5..=30);
    owner.stage(id, &part).unwrap();
    let before = kv.counters();
    assert_eq!(read_staged(&owner, id, 9).unwrap(), part[&9]);
    let expected = Counters { snapshots: 1, gets: 1, ..Counters::default() };
    assert_eq!(since(&kv, before), expected);
    assert_eq!(owner.engine.metrics().staged_pages_read, 1);
}

#[test]
fn a_call_of_more_pages_than_a_segment_holds_is_several() {
    let (kv, mut owner) = owner();
    let id = owner.next_id();
    let all: Pages = (1..=10_000).map(|pgno| (pgno, vec![pgno as u8; PAGE as usize])).collect();
    owner.stage(id, &all).unwrap();
    let before = kv.counters();
    let last: Pages = (1..=9_000).map(|pgno| (pgno, vec![!pgno as u8; PAGE as usize])).collect();
    owner.commit_staged(id, &[all], &last, 10_000).unwrap();
    assert_eq!(since(&kv, before).commits, 3, "two segments, and the last one with the commit");
    owner.check();
    owner.commit(&[(1, vec![1; PAGE as usize])].into(), 10_000).unwrap();
    assert_sound(&owner.engine, owner.actor());
    let folded = owner.engine.compact(owner.actor()).unwrap();
    assert!(matches!(folded, Compaction::Installed { shards: 157, .. }), "{folded:?}");
    owner.check();
    let model = owner.model.clone();
    assert_eq!(Owner::claim(&owner.engine, owner.actor()).model, model);
}

/// What is given up goes in batches of whole segments, each of which accounts for itself.
#[test]
fn what_is_given_up_is_swept_in_parts() {
    let kv = Arc::new(FaultKv::new());
    let mut options = small_options();
    options.compaction.batch_bytes = 1;
    let engine = engine_with(kv.clone(), options);
    let mut owner = owner_of(&engine);
    let mut rng = Rng::with_seed(3);
    let (given_up, forgotten, open) = (owner.next_id(), owner.next_id(), owner.next_id());
    for id in [given_up, forgotten, open] {
        (0..3).for_each(|_| owner.stage(id, &noise(&mut rng, 15..=25)).unwrap());
        if id == given_up {
            engine.discard(&owner.lease, id);
        }
    }
    assert_eq!(engine.metrics().stages_discarded, 2);
    assert_eq!(staged_rows(&kv), 18);
    for left in [16, 14, 12, 10, 8] {
        assert!(engine.sweep(owner.actor(), 1).unwrap().more);
        assert_eq!(staged_rows(&kv), left);
        assert_sound(&engine, owner.actor());
    }
    assert!(!engine.sweep(owner.actor(), 1).unwrap().more);
    assert_eq!(staged_rows(&kv), 6, "the open one stays");
    assert_eq!(engine.sweep(owner.actor(), 1).unwrap().rows, 0);
    assert_eq!(engine.metrics().stages_swept, 2);
    let page = read_staged(&owner, open, 20).unwrap();
    let size = owner.head.size;
    engine.commit(&owner.lease, &request(&owner, open, size)).unwrap();
    let claimed = Owner::claim(&engine, owner.actor());
    assert_eq!(claimed.model[&20], page);
    assert_sound(&engine, owner.actor());
}

fn request<'a>(
    owner: &Owner,
    commit_id: CommitId,
    size: u32,
) -> actor_sqlite_pagestore::CommitRequest<'a> {
    actor_sqlite_pagestore::CommitRequest {
        commit_id,
        expected_head: owner.head.txid,
        pages: &[],
        size,
        staged: true,
        frees: false,
    }
}

/// A staged commit goes segment by segment once it is folded.
#[test]
fn a_staged_commit_is_reclaimed_in_parts() {
    let kv = Arc::new(FaultKv::new());
    let mut options = small_options();
    (options.compaction.batch_bytes, options.compaction.retention_txids) = (1, 0);
    let engine = engine_with(kv.clone(), options);
    let mut owner = owner_of(&engine);
    let mut rng = Rng::with_seed(3);
    let id = owner.next_id();
    let parts: Vec<Pages> = (0..4).map(|at| noise(&mut rng, 5 + at..=25)).collect();
    parts.iter().for_each(|part| owner.stage(id, part).unwrap());
    owner.commit_staged(id, &parts, &Pages::new(), 25).unwrap();
    assert!(matches!(engine.compact(owner.actor()), Ok(Compaction::Installed { .. })));
    let mut batches = 0;
    while engine.reclaim(owner.actor(), 1).unwrap().more {
        batches += 1;
        assert_sound(&engine, owner.actor());
        let again = engine_with(kv.clone(), options);
        assert_eq!(again.verify(owner.actor()).unwrap().damage, []);
        owner.check();
    }
    assert!(batches >= 4, "{batches}");
    assert_eq!(staged_rows(&kv), 0);
    assert_sound(&engine, owner.actor());
}

/// Nobody asks for a sweep: the next round of maintenance does it.
#[test]
fn maintenance_sweeps_what_a_claim_found() {
    let (kv, mut owner) = owner();
    let id = owner.next_id();
    owner.stage(id, &noise(&mut Rng::with_seed(4), 1..=9)).unwrap();
    // Another host: this engine knows nothing of the stage.
    let other = engine(kv.clone());
    let claimed = Owner::claim(&other, owner.actor());
    assert_eq!(claimed.model, owner.model);
    assert_eq!(other.maintain(MaintenanceBudget::default()).failures, []);
    assert_eq!(staged_rows(&kv), 0);
    assert_sound(&other, owner.actor());
    // The fenced owner finds its rows gone, and says why.
    let gone = read_staged(&owner, id, 5);
    assert!(matches!(gone, Err(StoreError::Fenced { .. })), "{gone:?}");
    let staged = owner.stage(id, &noise(&mut Rng::with_seed(4), 1..=9));
    assert!(matches!(staged, Err(StoreError::Fenced { .. })), "{staged:?}");
    let committed = owner.commit_staged(id, &[], &Pages::new(), 20);
    assert!(committed.is_err());
    claimed.check();
    assert_sound(&other, owner.actor());
}

/// A claim takes the database over between two segments, and between the last and the commit.
#[test]
fn a_fenced_owner_neither_stages_nor_commits() {
    for segments in 0..3 {
        let (kv, mut owner) = owner();
        let mut rng = Rng::with_seed(5);
        let id = owner.next_id();
        (0..segments).for_each(|_| owner.stage(id, &noise(&mut rng, 1..=9)).unwrap());
        let other = engine(kv.clone());
        let mut claimed = Owner::claim(&other, owner.actor());
        let fenced = if segments == 2 {
            engine_commit(&owner, id)
        } else {
            owner.stage(id, &noise(&mut rng, 1..=9))
        };
        assert!(matches!(fenced, Err(StoreError::Fenced { .. })), "{fenced:?}");
        owner.engine.discard(&owner.lease, id);
        let own = claimed.next_id();
        let part = noise(&mut rng, 15..=24);
        claimed.stage(own, &part).unwrap();
        claimed.commit_staged(own, &[part], &Pages::new(), 24).unwrap();
        claimed.check();
        while other.sweep(claimed.actor(), 9).unwrap().more {}
        assert_sound(&other, claimed.actor());
        let model = claimed.model.clone();
        assert_eq!(Owner::claim(&other, claimed.actor()).model, model);
    }
}

fn engine_commit(owner: &Owner, id: CommitId) -> Result<(), StoreError> {
    owner.engine.commit(&owner.lease, &request(owner, id, owner.head.size)).map(drop)
}

/// Each write of a staged transaction with each fault, and what follows.
#[test]
fn a_lost_answer_leaves_no_doubt() {
    for fault in [Fault::Unavailable, Fault::UnknownLanded, Fault::UnknownLost] {
        for struck in 1..=4 {
            let (kv, mut owner) = owner();
            let mut rng = Rng::with_seed(6);
            let parts = [noise(&mut rng, 1..=9), noise(&mut rng, 7..=23)];
            let what = format!("{fault:?} at write {struck}");
            kv.fail_nth(OpKind::Commit, kv.counters().commits + struck.min(3), fault.clone());
            let id = owner.next_id();
            let staged: Vec<_> = parts.iter().map(|part| owner.stage(id, part)).collect();
            let lost = staged.iter().any(Result::is_err);
            assert_eq!(lost, struck <= 2, "{what}: {staged:?}");
            if struck == 4 {
                owner.engine.discard(&owner.lease, id);
            }
            let committed = owner.commit_staged(id, &parts, &Pages::new(), 23);
            match &committed {
                Ok(_) => assert!(struck == 3, "{what}"),
                Err(StoreError::Invalid { .. }) => assert_ne!(struck, 3, "{what}"),
                Err(StoreError::Unavailable { .. }) => {
                    assert!(struck == 3, "{what}");
                    let resolved = owner.engine.resolve(&owner.lease, id);
                    assert_eq!(resolved, Ok(Resolution::NotLanded), "{what}");
                    // Nothing is lost but an answer.
                    owner.commit_staged(id, &parts, &Pages::new(), 23).unwrap();
                }
                Err(error) => panic!("{what}: {error}"),
            }
            owner.check();
            let id = owner.next_id();
            let part = noise(&mut rng, 3..=4);
            owner.stage(id, &part).unwrap();
            owner.commit_staged(id, &[part], &Pages::new(), owner.head.size).unwrap();
            owner.check();
            while owner.engine.sweep(owner.actor(), 9).unwrap().more {}
            // Two segments with their indexes and the manifest, and one of each.
            let rows = if struck == 3 { 8 } else { 3 };
            assert_eq!(staged_rows(&kv), rows, "{what}");
            assert_sound(&owner.engine, owner.actor());
            let model = owner.model.clone();
            assert_eq!(Owner::claim(&owner.engine, &actor("a")).model, model, "{what}");
        }
    }
}

/// The commit sends more than one segment, and the answer to the first of them is lost. What was
/// staged before is lost with it, so that the id must not begin anew without it.
#[test]
fn a_commit_that_loses_its_stage_loses_its_id() {
    for fault in [Fault::UnknownLanded, Fault::UnknownLost] {
        let limits = Limits { batch_bytes_max: 20_000, ..MemKv::LIMITS };
        let kv = Arc::new(FaultKv::with(Image::default(), SyncMode::OnDemand, limits));
        let mut owner = owner_of(&engine(kv.clone()));
        let mut rng = Rng::with_seed(7);
        let (staged, rest) = (noise(&mut rng, 1..=5), noise(&mut rng, 6..=60));
        let id = owner.next_id();
        owner.stage(id, &staged).unwrap();
        kv.fail_next(OpKind::Commit, fault.clone());
        let lost = owner.commit_staged(id, &[staged], &rest, 60);
        assert!(matches!(lost, Err(StoreError::Unavailable { .. })), "{fault:?}: {lost:?}");
        let again = owner.stage(id, &rest.into_iter().take(3).collect());
        assert!(matches!(again, Err(StoreError::Invalid { .. })), "{fault:?}: {again:?}");
        let committed = owner.commit_staged(id, &[], &Pages::new(), 20);
        assert!(matches!(committed, Err(StoreError::Invalid { .. })), "{committed:?}");
        owner.check();
        let id = owner.next_id();
        let staged = noise(&mut rng, 1..=9);
        owner.stage(id, &staged).unwrap();
        let rest = noise(&mut rng, 6..=60);
        owner.commit_staged(id, &[staged], &rest, 60).unwrap();
        owner.check();
        while owner.engine.sweep(owner.actor(), 9).unwrap().more {}
        assert_sound(&owner.engine, owner.actor());
    }
}

#[test]
fn random_faults_lose_no_staged_commit_and_double_none() {
    let seed = seed(1);
    let (mut committed, mut given_up) = (0, 0);
    for round in 0..20 {
        let kv = Arc::new(FaultKv::new());
        let engine = engine(kv.clone());
        let mut owner = owner_of(&engine);
        let mut rng = Rng::with_seed(seed + round);
        kv.fail_randomly(SeededFaults {
            seed: seed + round,
            unavailable_per_mille: 40,
            unknown_landed_per_mille: 60,
            unknown_lost_per_mille: 60,
            sync_fails_per_mille: 0,
        });
        if round % 2 == 1 {
            full_at_random(&kv, seed + round);
        }
        for _ in 0..80 {
            match rng.u32(0..10) {
                0 => drop(engine.compact(owner.actor())),
                1 => drop(engine.reclaim(owner.actor(), 3)),
                2 => drop(engine.sweep(owner.actor(), 3)),
                _ => staged_step(&kv, &mut owner, &mut rng),
            }
        }
        kv.clear_faults();
        owner.check();
        assert_sound(&engine, owner.actor());
        let metrics = engine.metrics();
        (committed, given_up) =
            (committed + metrics.stages_committed, given_up + metrics.stages_discarded);
        let model = owner.model.clone();
        assert_eq!(Owner::claim(&engine, &actor("a")).model, model);
        while engine.sweep(owner.actor(), 9).unwrap().more {}
        assert_sound(&engine, owner.actor());
    }
    println!("{committed} committed, {given_up} given up");
    assert!(committed > 200 && given_up > 50, "{committed} {given_up}");
}

/// A transaction as a client does it: what fails while it is staged is rolled back, a commit is
/// sent again until it is known what became of it.
fn staged_step(kv: &FaultKv, owner: &mut Owner, rng: &mut Rng) {
    let (parts, rest, size) = staged_transaction(rng, &owner.head, 100);
    let id = owner.next_id();
    for part in &parts {
        match owner.stage(id, part) {
            Ok(()) => {}
            Err(StoreError::Unavailable { .. } | StoreError::Full { .. }) => {
                return owner.engine.discard(&owner.lease, id);
            }
            Err(error) => panic!("{error}"),
        }
    }
    for _ in 0..50 {
        match owner.commit_staged(id, &parts, &rest, size) {
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
