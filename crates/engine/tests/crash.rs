//! A crash at every boundary of a workload with claims, commits, compactions in several batches
//! and reclaims, and then a crash at every boundary of the recovery.
//!
//! The store keeps a prefix of the ordered batches, at least up to the last sync. So what is
//! recovered must be exactly the state that the prefix ends with: OLD or NEW, never a mixture, and
//! never less than what was durable.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use actor_sqlite_engine::{CompactionOptions, EngineOptions};
use actor_sqlite_kv::{CrashImage, FaultKv, Image, MemKv, SyncMode, Ticket};
use actor_sqlite_pagestore::{ActorId, PageStore, PageStoreAdmin, StoreError};
use common::*;
use fastrand::Rng;

/// The state of one database after each ticket that changed it.
type States = BTreeMap<u64, Pages>;

fn options() -> EngineOptions {
    EngineOptions {
        compaction: CompactionOptions {
            batch_bytes: 900,
            retention_txids: 1,
            ..CompactionOptions::default()
        },
        ..EngineOptions::default()
    }
}

fn names() -> [ActorId; 2] {
    [actor("a"), actor("b")]
}

/// Runs a workload, and remembers each state with the ticket that made it.
fn workload(kv: &Arc<FaultKv>, seed: u64, steps: u32) -> Vec<States> {
    let mut rng = Rng::with_seed(seed);
    let engine = engine_with(kv.clone(), options());
    let names = names();
    let mut owners: Vec<Owner> = names.iter().map(|actor| Owner::claim(&engine, actor)).collect();
    let mut states = vec![States::new(), States::new()];
    for _ in 0..steps {
        let at = rng.usize(0..2);
        match rng.u32(0..16) {
            0..=8 => {
                let committed = owners[at].commit_random(&mut rng, 150);
                states[at].insert(committed.ticket.0, owners[at].model.clone());
            }
            9..=10 => {
                engine.compact(&names[at]).unwrap();
            }
            11..=12 => {
                engine.reclaim(&names[at], 2).unwrap();
            }
            13 => owners[at] = Owner::claim(&engine, &names[at]),
            _ => {
                kv.sync().unwrap();
            }
        }
    }
    states
}

/// What a database must hold if the batches up to `kept` survived.
fn expected(states: &States, kept: Ticket) -> Pages {
    states.range(..=kept.0).next_back().map(|(_, pages)| pages.clone()).unwrap_or_default()
}

/// Verifies and claims a database; `None` if the crash came before it was made.
fn recover(kv: Arc<FaultKv>, name: &ActorId, expected: &Pages) -> Option<Owner> {
    let engine = engine_with(kv, options());
    match engine.verify(name) {
        Ok(report) => assert_eq!(report.damage, [], "before a claim"),
        Err(StoreError::NotFound { .. }) => {
            assert!(expected.is_empty());
            return None;
        }
        Err(error) => panic!("{error}"),
    }
    assert_sound(&engine, name);
    let owner = Owner::claim(&engine, name);
    assert_eq!(&owner.model, expected, "recovered");
    assert_sound(&engine, name);
    Some(owner)
}

/// Recovers, goes on for a while, and answers with the states it made.
fn go_on(
    image: &Image,
    name: &ActorId,
    before: &Pages,
    seed: u64,
) -> Option<(Arc<FaultKv>, States)> {
    let kv = Arc::new(FaultKv::with(image.clone(), SyncMode::Manual, MemKv::LIMITS));
    let mut owner = recover(kv.clone(), name, before)?;
    let mut rng = Rng::with_seed(seed);
    let mut states = States::from([(0, before.clone())]);
    for _ in 0..2 {
        let committed = owner.commit_random(&mut rng, 150);
        states.insert(committed.ticket.0, owner.model.clone());
        owner.engine.compact(name).unwrap();
    }
    owner.engine.reclaim(name, 8).unwrap();
    owner.check();
    assert_sound(&owner.engine, name);
    Some((kv, states))
}

#[derive(Debug, Default)]
struct Tally {
    boundaries: usize,
    images: usize,
    recoveries: usize,
    second_images: usize,
    leftovers: usize,
}

fn crash_everywhere(seed: u64, tally: &mut Tally) {
    let kv = Arc::new(FaultKv::with(Image::default(), SyncMode::Manual, MemKv::LIMITS));
    let states = workload(&kv, seed, 90);
    let mut seen: BTreeMap<Ticket, CrashImage> = BTreeMap::new();
    for boundary in 0..kv.boundaries().len() {
        tally.boundaries += 1;
        for crash in kv.crash_images_at(boundary) {
            tally.images += 1;
            assert!(crash.kept >= crash.boundary.durable, "what was durable is there");
            seen.insert(crash.kept, crash);
        }
    }
    for (kept, crash) in seen {
        for (name, states) in names().iter().zip(&states) {
            let before = expected(states, kept);
            let again = go_on(&crash.image, name, &before, seed ^ kept.0);
            let Some((kv, states)) = again else { continue };
            tally.recoveries += 1;
            tally.leftovers +=
                usize::from(crash.image.keys().iter().any(|key| key.ends_with(b"BUILD")));
            let mut second: BTreeMap<Ticket, CrashImage> = BTreeMap::new();
            for boundary in 0..kv.boundaries().len() {
                second.extend(
                    kv.crash_images_at(boundary).into_iter().map(|image| (image.kept, image)),
                );
            }
            for (kept, crash) in second {
                tally.second_images += 1;
                let kv = Arc::new(FaultKv::with(crash.image, SyncMode::OnDemand, MemKv::LIMITS));
                let owner = recover(kv, name, &expected(&states, kept)).unwrap();
                owner.engine.release(&owner.lease);
            }
        }
    }
}

#[test]
fn every_crash_leaves_the_old_or_the_new_state() {
    let seed = seed(1);
    let mut tally = Tally::default();
    for round in 0..6 {
        crash_everywhere(seed + round, &mut tally);
    }
    println!("{tally:?}");
    assert!(tally.leftovers > 20, "interrupted compactions were among them: {tally:?}");
}
