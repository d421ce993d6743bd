//! Random commits, compactions, reclaims and reopenings, compared with a map of pages.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use actor_sqlite_engine::Compaction;
use actor_sqlite_kv::MemKv;
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{HintRange, Hints, PageStore, StoreError};
use common::*;
use fastrand::Rng;

/// Steps of one run, and how often each kind of thing happened.
#[derive(Debug, Default)]
struct Tally {
    commits: u64,
    empty: u64,
    staged: u64,
    discarded: u64,
    compactions: u64,
    reclaimed_rows: u64,
    swept_rows: u64,
    reopened: u64,
    resumed: u64,
    fenced: u64,
}

fn run(seed: u64, size_max: u32, steps: u32) -> Tally {
    let mut rng = Rng::with_seed(seed);
    let kv = Arc::new(MemKv::new());
    let mut engine = engine(kv.clone());
    let actor = actor("model");
    let mut owner = Owner::claim(&engine, &actor);
    let mut tally = Tally::default();
    for step in 0..steps {
        match rng.u32(0..22) {
            0..=11 => {
                let before = owner.head.txid;
                if rng.u32(0..4) == 0 {
                    let (parts, rest, size) = staged_transaction(&mut rng, &owner.head, size_max);
                    let id = owner.next_id();
                    parts.iter().for_each(|part| owner.stage(id, part).unwrap());
                    if rng.u32(0..5) == 0 {
                        engine.discard(&owner.lease, id);
                        tally.discarded += 1;
                        continue;
                    }
                    owner.commit_staged(id, &parts, &rest, size).unwrap();
                    tally.staged += 1;
                } else {
                    owner.commit_random(&mut rng, size_max);
                }
                let wrote = owner.head.txid != before;
                tally.commits += u64::from(wrote);
                tally.empty += u64::from(!wrote);
            }
            12..=14 => {
                if let Compaction::Installed { .. } = engine.compact(&actor).unwrap() {
                    tally.compactions += 1;
                }
            }
            15 => tally.reclaimed_rows += engine.reclaim(&actor, 4).unwrap().rows,
            16 => tally.swept_rows += engine.sweep(&actor, 4).unwrap().rows,
            17 => {
                let model = owner.model.clone();
                let old = owner;
                if rng.bool() {
                    engine = self::engine(kv.clone());
                    tally.reopened += 1;
                }
                owner = Owner::claim(&engine, &actor);
                assert_eq!(owner.model, model, "after a claim in step {step}");
                if rng.bool() && old.head.size > 0 {
                    let (pages, size) = old.transaction(&mut rng, size_max);
                    let mut old = old;
                    let refused = old.commit(&pages, size);
                    assert!(
                        matches!(refused, Err(StoreError::Fenced { .. }))
                            || refused.is_ok_and(|committed| committed.head == old.head),
                        "step {step}"
                    );
                    tally.fenced += 1;
                }
            }
            19 => {
                let first = Pgno::new(rng.u32(1..=size_max)).unwrap();
                let range = HintRange { first, pages: rng.u32(1..50), score: 1 };
                let ranges = if rng.bool() { vec![range] } else { Vec::new() };
                engine.save_hints(&owner.lease, &Hints { ranges }).unwrap();
            }
            18 => {
                engine.release(&owner.lease);
                if rng.bool() {
                    engine = self::engine(kv.clone());
                }
                let again = Owner::resume(&engine, &owner.lease);
                assert_eq!((again.head, &again.model), (owner.head, &owner.model));
                owner = again;
                tally.resumed += 1;
            }
            _ => owner.check(),
        }
    }
    owner.check();
    assert_sound(&engine, &actor);
    tally
}

#[test]
fn the_engine_agrees_with_a_map() {
    let seed = seed(1);
    for round in 0..60 {
        let size_max = [3, 40, 70, 200, 500][round as usize % 5];
        let tally = run(seed + round, size_max, 120);
        if round < 5 {
            println!("size {size_max}: {tally:?}");
        }
        assert!(tally.commits > 0 && tally.compactions > 0, "{tally:?}");
    }
}
