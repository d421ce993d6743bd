//! A crash at every boundary of workloads with claims, commits, compactions in several batches
//! and reclaims over several databases, and a crash at every boundary of what follows the recovery.
//!
//! The store keeps a prefix of the ordered batches, at least up to the last sync. So what is
//! recovered must be exactly the state that the prefix ends with: OLD or NEW, never a mixture, and
//! never less than what was acknowledged.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use actor_sqlite_campaign::{Campaign, Counts, Sabotage};
use actor_sqlite_kv::{Batch, CrashImage, FaultKv, Image, Kv, Ticket, Write};
use common::recovery::recover;
use common::workload::{Op, Setting, States, World, ops};
use fastrand::Rng;

/// Operations before the crash; those from which some are taken for what follows a recovery; and
/// how many are.
const OPS: usize = 60;
const OPS_AGAIN: usize = 60;
const TAKEN: usize = 6;

/// What the engines see of a store.
type Between = dyn Fn(Arc<FaultKv>) -> Arc<dyn Kv>;

fn generate(seed: u64) -> Vec<Op> {
    let mut rng = Rng::with_seed(seed);
    let setting = Setting::random(&mut rng);
    let mut list = ops(&mut rng, OPS + OPS_AGAIN, setting.databases);
    list[OPS..].iter_mut().for_each(|op| op.again = true);
    list
}

/// What follows the recovery from a crash that kept so much: others after each.
fn taken(again: &[Op], kept: Ticket) -> Vec<Op> {
    let first = kept.0 as usize * TAKEN;
    again
        .iter()
        .cycle()
        .skip(first % again.len().max(1))
        .take(TAKEN.min(again.len()))
        .copied()
        .collect()
}

/// Every distinct content that a crash could have left so far, none without what was acknowledged.
fn images(world: &World, counts: &mut Counts) -> Result<BTreeMap<Ticket, CrashImage>, String> {
    let mut distinct = BTreeMap::new();
    let mut acknowledged = world.acknowledged.iter().peekable();
    let mut floor = Ticket::ZERO;
    for boundary in 0..world.kv.boundaries().len() {
        while let Some((_, ticket)) = acknowledged.next_if(|(at, _)| *at <= boundary) {
            floor = floor.max(*ticket);
        }
        for crash in world.kv.crash_images_at(boundary) {
            counts.add("crash points", 1);
            if crash.kept < floor {
                return Err(format!(
                    "ticket {} was acknowledged, {} is lost",
                    floor.0, crash.kept.0
                ));
            }
            distinct.insert(crash.kept, crash);
        }
    }
    Ok(distinct)
}

fn recover_all(
    setting: &Setting,
    crash: &CrashImage,
    states: &[States],
    counts: &mut Counts,
) -> Result<(), String> {
    for (name, states) in setting.names().iter().zip(states) {
        let there = recover(setting, &crash.image, name, &states.at(crash.kept))
            .map_err(|reason| format!("{name}: {reason}"))?;
        counts.add("recoveries", u64::from(there));
    }
    counts.add("images", 1);
    if crash.image.keys().iter().any(|key| key.ends_with(b"BUILD")) {
        counts.add("with leftovers", 1);
    }
    Ok(())
}

/// Runs a workload, crashes everywhere, recovers, goes on, and crashes everywhere again.
fn case(seed: u64, list: &[Op], between: &Between) -> Result<Counts, String> {
    let mut counts = Counts::default();
    let setting = Setting::random(&mut Rng::with_seed(seed));
    let none = vec![States::default(); usize::from(setting.databases)];
    let kv = setting.store(Image::default());
    let mut world = World::seeing(setting, kv.clone(), between(kv), none);
    let (behind, before): (Vec<Op>, Vec<Op>) = list.iter().partition(|op| op.again);
    world.run(&before)?;
    for (kept, crash) in images(&world, &mut counts)? {
        let at = |reason| format!("a crash that keeps the batches up to {}: {reason}", kept.0);
        recover_all(&setting, &crash, &world.states, &mut counts).map_err(at)?;
        let states = world.states.iter().map(|states| States::of(states.at(kept))).collect();
        let kv = setting.store(crash.image.clone());
        let mut again = World::seeing(setting, kv.clone(), between(kv), states);
        again.run(&taken(&behind, kept)).map_err(at)?;
        for (again_kept, crash) in images(&again, &mut counts).map_err(at)? {
            recover_all(&setting, &crash, &again.states, &mut counts).map_err(|reason| {
                at(format!("a second crash, {} batches later: {reason}", again_kept.0))
            })?;
        }
    }
    Ok(counts)
}

#[test]
fn every_crash_leaves_the_old_or_the_new_state() {
    let campaign = Campaign::new(
        "crashes under pages",
        "-p actor-sqlite-engine --test crash every_crash",
        Some(1),
        30,
    );
    let counts = campaign.run_workloads(generate, |seed, ops| case(seed, ops, &|kv| kv));
    if campaign.cases >= 30 {
        assert!(counts.get("images") > 20_000, "{counts}");
        assert!(counts.get("with leftovers") > 1_000, "{counts}");
    }
}

/// A planted fault is noticed, and few operations are left of the workload that shows it.
fn assert_noticed(name: &'static str, between: &Between) {
    let arguments = "-p actor-sqlite-engine --test crash noticed";
    let campaign = Campaign { name, arguments, seed: 1, cases: 30 };
    let found = campaign.first_failure(generate, |seed, ops| case(seed, ops, between));
    let found = found.unwrap_or_else(|| panic!("{name}: nobody notices it"));
    assert!(found.ops.len() <= 10, "{found}");
}

fn names(write: &Write<'_>, kind: &[u8]) -> bool {
    let (Write::Put { key, .. } | Write::Delete { key }) = write else { return false };
    key.split(|&byte| byte == 0).nth(2).is_some_and(|path| path.starts_with(kind))
}

/// Leaves out the first write of a batch that is of one sort.
fn without(batch: &mut Batch<'_>, sort: impl Fn(&Write<'_>) -> bool) {
    if let Some(at) = batch.writes.iter().position(sort) {
        batch.writes.remove(at);
    }
}

#[test]
fn an_answer_before_the_sync_is_noticed() {
    assert_noticed("a sync that is left out", &|kv| Sabotage::syncs(kv));
}

#[test]
fn a_row_that_is_not_reclaimed_is_noticed() {
    let delete =
        |write: &Write<'_>| matches!(write, Write::Delete { .. }) && names(write, b"SHARD/");
    let forgetful = move |batch: &mut Batch<'_>| without(batch, delete);
    assert_noticed("a delete that is left out", &move |kv| Sabotage::batches(kv, forgetful));
}

#[test]
fn a_reclaim_too_early_is_noticed() {
    // The delta behind the last one that a batch of reclaim deletes goes with it.
    let greedy = |batch: &mut Batch<'_>| {
        let last = batch.writes.iter().rev().find(|write| names(write, b"PIDX/"));
        let Some(Write::Delete { key }) = last else { return };
        let (start, txid) = key.split_at(key.len() - 8);
        let next = u64::from_be_bytes(txid.try_into().unwrap()) + 1;
        let key = [start, &next.to_be_bytes()].concat();
        batch.delete(key);
    };
    assert_noticed("a retention that is off by one", &move |kv| Sabotage::batches(kv, greedy));
}

#[test]
fn a_compaction_that_leaves_no_trace_is_noticed() {
    let untraced = |batch: &mut Batch<'_>| without(batch, |write| names(write, b"BUILD"));
    assert_noticed("BUILD that is left out", &move |kv| Sabotage::batches(kv, untraced));
}

#[test]
fn a_stage_that_is_not_covered_is_noticed() {
    // The commit counts what was staged, and the row that says so is not there: the sweep takes it.
    let uncovered = |batch: &mut Batch<'_>| without(batch, |write| names(write, b"STAGED/"));
    assert_noticed("STAGED that is left out", &move |kv| Sabotage::batches(kv, uncovered));
}

#[test]
fn a_segment_that_is_left_out_is_noticed() {
    let holed = |batch: &mut Batch<'_>| {
        let put = |write: &Write<'_>| matches!(write, Write::Put { .. });
        without(batch, |write| put(write) && names(write, b"STAGE/"));
    };
    assert_noticed("a row of a stage that is left out", &move |kv| Sabotage::batches(kv, holed));
}

#[test]
fn a_namespace_that_is_not_counted_is_noticed() {
    let silent = |batch: &mut Batch<'_>| {
        let compaction = batch.writes.iter().any(|write| names(write, b"SIDX/"));
        without(batch, |write| compaction && matches!(write, Write::Add { .. }));
    };
    assert_noticed("a counter that compaction leaves out", &move |kv| {
        Sabotage::batches(kv, silent)
    });
}

#[test]
fn a_deletion_that_leaves_a_row_is_noticed() {
    let sparing = |batch: &mut Batch<'_>| {
        let deletes = |write: &Write<'_>| matches!(write, Write::Delete { .. });
        let whole = batch.writes.iter().any(|write| deletes(write) && names(write, b"EPOCH"));
        without(batch, |write| whole && deletes(write) && names(write, b"PIDX/"));
    };
    assert_noticed("a row that a deletion leaves", &move |kv| Sabotage::batches(kv, sparing));
}

#[test]
fn a_recount_that_is_off_is_noticed() {
    // A row more than the accounts say: what a claim writes, once more under another name.
    let double = |batch: &mut Batch<'_>| {
        let Some(Write::Put { key, value }) =
            batch.writes.iter().find(|write| names(write, b"ROOT"))
        else {
            return;
        };
        let (key, value) = ([key, &b"S"[..]].concat(), value.to_vec());
        batch.put(key, value);
    };
    assert_noticed("a row that is not accounted for", &move |kv| Sabotage::batches(kv, double));
}
