//! Hints that are damaged, whose answers are lost, and whose pages cannot be had.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use actor_sqlite_kv::{Fault, FaultKv, OpKind, SeededFaults};
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{HintRange, Hints, PageStore, PageStoreAdmin, StoreError};
use common::*;
use fastrand::Rng;

fn hints(ranges: &[(u32, u32, u8)]) -> Hints {
    let range = |&(first, pages, score): &(u32, u32, u8)| HintRange {
        first: Pgno::new(first).unwrap(),
        pages,
        score,
    };
    Hints { ranges: ranges.iter().map(range).collect() }
}

fn random_hints(rng: &mut Rng) -> Hints {
    let mut first = 1;
    let ranges = (0..rng.u32(0..5)).map(|_| {
        first += rng.u32(1..30);
        let pages = rng.u32(1..9);
        let range = HintRange { first: Pgno::new(first).unwrap(), pages, score: rng.u8(..) };
        first += pages;
        range
    });
    Hints { ranges: ranges.collect() }
}

/// A database of 100 pages, partly in shards, and hints.
fn filled() -> (Arc<FaultKv>, Owner, Hints) {
    let kv = Arc::new(FaultKv::new());
    let mut owner = Owner::claim(&engine(kv.clone()), &actor("a"));
    let mut rng = Rng::with_seed(1);
    let pages = (1..=150).map(|pgno| (pgno, random_page(&mut rng, 512))).collect();
    owner.commit(&pages, 150).unwrap();
    owner.commit(&[(7, vec![1; 512])].into(), 150).unwrap();
    owner.engine.compact(owner.actor()).unwrap();
    owner.commit(&[(40, vec![2; 512])].into(), 150).unwrap();
    let saved = hints(&[(38, 5, 1), (90, 4, 2), (130, 2, 3)]);
    owner.engine.save_hints(&owner.lease, &saved).unwrap();
    (kv, owner, saved)
}

fn key(kv: &FaultKv, ending: &str) -> Vec<u8> {
    kv.image().keys().into_iter().find(|key| key.ends_with(ending.as_bytes())).unwrap()
}

#[test]
fn damaged_hints_are_passed_over_named_and_replaced() {
    let (kv, owner, saved) = filled();
    let key = key(&kv, "HINTS");
    let value = kv.image().get(&key).unwrap().to_vec();
    for at in 0..value.len() {
        let mut flipped = value.clone();
        flipped[at] ^= 1 << (at % 8);
        kv.edit(|image| image.set(&key, &flipped));
        let damage = owner.engine.verify(owner.actor()).unwrap().damage;
        assert_eq!(damage.iter().map(|damage| &*damage.row).collect::<Vec<_>>(), ["HINTS"]);
        let claim = claim(&owner.engine, owner.actor()).unwrap();
        assert_eq!(claim.hints, Hints::default());
        assert_eq!(claim.pages[0].0, Pgno::ONE);
        let again = Owner::of(&owner.engine, claim).unwrap();
        assert_eq!(again.model, owner.model);
        again.engine.save_hints(&again.lease, &saved).unwrap();
        assert_sound(&again.engine, again.actor());
    }
    assert!(owner.engine.metrics().hints_damaged >= value.len() as u64);
    assert_eq!(claim(&owner.engine, owner.actor()).unwrap().hints, saved);
}

#[test]
fn hinted_pages_that_cannot_be_had_do_not_fail_a_claim() {
    let (kv, owner, saved) = filled();
    let image = kv.image();
    let mut without = 0;
    let rows: Vec<_> = image.keys().into_iter().filter(|key| key[0] == 2).collect();
    for key in rows {
        let of_pages = |path: &[u8]| key.windows(path.len()).any(|part| part == path);
        if ![&b"SHARD/"[..], b"DELTA/", b"SIDX/"].into_iter().any(of_pages) {
            continue;
        }
        for removed in [true, false] {
            let mut broken = image.clone();
            if removed {
                broken.remove(&key);
            } else {
                let mut value = image.get(&key).unwrap().to_vec();
                let middle = value.len() / 2;
                value[middle] ^= 4;
                broken.set(&key, &value);
            }
            kv.edit(|image| *image = broken);
            match claim(&engine(kv.clone()), owner.actor()) {
                Ok(claim) => {
                    assert_eq!((&claim.hints, claim.pages[0].0), (&saved, Pgno::ONE));
                    for (pgno, page) in &claim.pages {
                        assert_eq!(&**page, &owner.model[&pgno.get()][..]);
                    }
                    let hinted = |pgno: &u32| saved.pages(150).any(|hinted| hinted.get() == *pgno);
                    let came = claim.pages.iter().filter(|(pgno, _)| hinted(&pgno.get())).count();
                    without += usize::from(came < 11);
                }
                // Of page 1 itself.
                Err(StoreError::Corrupt { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(without >= 4, "{without} claims brought less than the hints name");
}

#[test]
fn hints_with_a_lost_answer_are_there_or_not_and_accounted_for() {
    for (fault, landed) in [(Fault::UnknownLanded, true), (Fault::UnknownLost, false)] {
        let (kv, mut owner, saved) = filled();
        let next = hints(&[(1, 9, 9)]);
        kv.fail_next(OpKind::Commit, fault);
        let refused = owner.engine.save_hints(&owner.lease, &next);
        assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
        assert_sound(&owner.engine, owner.actor());
        owner.commit(&[(3, vec![3; 512])].into(), 150).unwrap();
        owner.check();
        let there = claim(&engine(kv.clone()), owner.actor()).unwrap().hints;
        assert_eq!(there, if landed { next.clone() } else { saved });
        let again = Owner::claim(&owner.engine, owner.actor());
        again.engine.save_hints(&again.lease, &next).unwrap();
        assert_sound(&again.engine, again.actor());
        assert_eq!(claim(&again.engine, again.actor()).unwrap().hints, next);
    }
}

#[test]
fn hints_between_random_commits_and_faults_keep_the_accounts() {
    let seed = seed(1);
    for round in 0..20 {
        let kv = Arc::new(FaultKv::new());
        let engine = engine(kv.clone());
        let mut owner = Owner::claim(&engine, &actor("a"));
        let mut rng = Rng::with_seed(seed + round);
        kv.fail_randomly(SeededFaults {
            seed: seed + round,
            unavailable_per_mille: 40,
            unknown_landed_per_mille: 80,
            unknown_lost_per_mille: 80,
            sync_fails_per_mille: 0,
        });
        let mut saved = Hints::default();
        for _ in 0..60 {
            match rng.u32(0..8) {
                0 => drop(engine.compact(owner.actor())),
                1 => drop(engine.reclaim(owner.actor(), 3)),
                2..=4 => {
                    saved = random_hints(&mut rng);
                    let kept =
                        (0..50).any(|_| owner.engine.save_hints(&owner.lease, &saved).is_ok());
                    assert!(kept);
                }
                _ => {
                    let (pages, size) = owner.transaction(&mut rng, 100);
                    let id = owner.next_id();
                    let sent = (0..50).any(|_| owner.commit_as(id, &pages, size).is_ok());
                    assert!(sent);
                }
            }
        }
        kv.clear_faults();
        owner.check();
        assert_sound(&engine, owner.actor());
        let claim = claim(&engine, owner.actor()).unwrap();
        assert_eq!((claim.head, claim.hints), (owner.head, saved));
    }
}

#[test]
fn of_two_owners_the_one_before_keeps_nothing() {
    let (kv, owner, saved) = filled();
    // On another engine, so that the lease learns of it from the store alone.
    let next = Owner::claim(&engine(kv), owner.actor());
    let refused = owner.engine.save_hints(&owner.lease, &hints(&[(1, 1, 1)]));
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    next.check();
    assert_eq!(claim(&next.engine, next.actor()).unwrap().hints, saved);
}
