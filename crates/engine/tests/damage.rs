//! Every stored row damaged in every way, its key as well as its value: what is read is the right
//! content or a typed error, never other bytes; `verify` names the row; and the database beside it
//! is unharmed.
//!
//! A case is a store with every kind of row, whose every byte is changed. `EVERY_BIT` changes each
//! bit.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use actor_sqlite_campaign::{Campaign, Counts};
use actor_sqlite_kv::{Image, MemKv, SyncMode};
use actor_sqlite_pagestore::{ActorId, Damage, PageStoreAdmin, StoreError};
use common::mutations::{Mutation, for_each};
use common::specimen::{Specimen, key_of, limits, options, row_name, specimen};
use common::workload::text;
use common::*;
use fastrand::Rng;

fn store(image: &Image) -> Arc<MemKv> {
    Arc::new(MemKv::with(image.clone(), SyncMode::OnDemand, limits()))
}

fn damage_of(image: &Image, actor: &ActorId) -> Result<Vec<Damage>, String> {
    Ok(engine_with(store(image), options()).verify(actor).map_err(text)?.damage)
}

/// Claims and reads everything, and if so wanted compacts, and reads everything again. Whether it
/// came to the end; what is wrong if anything but the right content or a corruption came of it.
fn use_it(image: &Image, actor: &ActorId, content: &Pages, compact: bool) -> Result<bool, String> {
    let engine = engine_with(store(image), options());
    let run = || -> Result<[Pages; 2], StoreError> {
        let owner = Owner::try_claim(&engine, actor)?;
        if !compact {
            return Ok([owner.model.clone(), owner.model]);
        }
        engine.compact(actor)?;
        engine.reclaim(actor, 9)?;
        engine.sweep(actor, 9)?;
        Ok([owner.read_all()?, owner.model])
    };
    match run() {
        Ok([now, before]) if now == *content && before == *content => Ok(true),
        Ok(_) => Err("other bytes were read".into()),
        Err(StoreError::Corrupt { row, .. }) if !row.is_empty() => Ok(false),
        Err(other) => Err(format!("not a named corruption: {other}")),
    }
}

/// What came of a mutation.
fn check(specimen: &Specimen, mutation: &Mutation<'_>, counts: &mut Counts) -> Result<(), String> {
    let mut image = specimen.image.clone();
    for (key, value) in &mutation.changes {
        match value {
            Some(value) => image.set(key, value),
            None => drop(image.remove(key)),
        }
    }
    counts.add("mutations", 1);
    let damage = damage_of(&image, &specimen.actor)?;
    let named = |name: &String| damage.iter().any(|damage| damage.row == *name);
    if !mutation.named.is_empty() && !mutation.named.iter().any(named) {
        return Err(format!("verify names none of {:?}: {damage:?}", mutation.named));
    }
    // Most mutations are flips, in rows that a compaction reads as a claim does.
    let compact = mutation.kind != "flip" || counts.get("mutations").is_multiple_of(4);
    let used = use_it(&image, &specimen.actor, &specimen.content, compact)?;
    match (damage.is_empty(), used) {
        (false, true) => counts.add("found by verify alone", 1),
        (false, false) => counts.add("refused", 1),
        (true, true) if mutation.may_be_harmless(specimen) => counts.add("harmless", 1),
        (true, _) => return Err("verify finds nothing".into()),
    }
    // A change among the rows of one database is nothing that the other can see.
    let seen = mutation.touches(&specimen.beside) || counts.get("mutations").is_multiple_of(16);
    if seen { beside(specimen, mutation, &image) } else { Ok(()) }
}

/// The database beside the damaged one: as it was, unless a row was put among its own.
fn beside(specimen: &Specimen, mutation: &Mutation<'_>, image: &Image) -> Result<(), String> {
    let damage = damage_of(image, &specimen.beside)?;
    let touched = mutation.touches(&specimen.beside);
    match (damage.is_empty(), touched) {
        (true, true) => return Err("verify of the database beside finds nothing".into()),
        (false, false) => return Err(format!("the database beside is damaged: {damage:?}")),
        _ => {}
    }
    let used = use_it(image, &specimen.beside, &specimen.beside_content, true)?;
    if used || touched { Ok(()) } else { Err("the database beside is refused".into()) }
}

fn case(seed: u64) -> Result<Counts, String> {
    let specimen = specimen(seed);
    let mut counts = Counts::default();
    counts.add("rows", specimen.image.len() as u64);
    let mut rng = Rng::with_seed(seed);
    for_each(&specimen, &mut rng, &mut |mutation| {
        counts.add(mutation.kind, 1);
        check(&specimen, &mutation, &mut counts)
            .map_err(|reason| format!("{} {}: {reason}", mutation.kind, mutation.what))
    })?;
    Ok(counts)
}

#[test]
fn no_changed_row_is_read_silently() {
    let arguments = "-p actor-sqlite-engine --test damage no_changed_row";
    let campaign = Campaign::new("changed rows", arguments, Some(1), 5);
    let counts = campaign.run(case);
    if campaign.cases >= 5 {
        assert!(counts.get("mutations") > 100_000, "{counts}");
        assert!(counts.get("refused") > 10_000, "{counts}");
    }
}

/// All rows of an earlier time are a sound store, and no checksum can tell: the campaign does.
#[test]
fn a_silent_change_would_be_noticed() {
    let specimen = specimen(1);
    let old = &specimen.earlier_images[specimen.earlier_images.len() / 2];
    assert_eq!(damage_of(old, &specimen.actor), Ok(vec![]));
    let noticed = use_it(old, &specimen.actor, &specimen.content, false);
    assert_eq!(noticed, Err("other bytes were read".into()));
}

#[test]
fn every_kind_of_row_is_in_a_specimen() {
    let mut kinds: Vec<String> = Vec::new();
    for seed in 1..7 {
        let specimen = specimen(seed);
        for key in specimen.image.keys() {
            // Behind the namespace and, where it is a database's, the name.
            let path = key.split(|&byte| byte == 0).nth(if key[0] == 2 { 2 } else { 1 });
            let kind = path.unwrap().split(|&byte| byte == b'/').next().unwrap();
            kinds.push(String::from_utf8(kind.to_vec()).unwrap());
        }
    }
    kinds.sort();
    kinds.dedup();
    let all = [
        "BUILD", "DELTA", "EPOCH", "GONE", "HEAD", "PAST", "PIDX", "ROOT", "SHARD", "SIDX",
        "STAGE", "STAGED", "STIX", "USAGE",
    ];
    assert_eq!(kinds, all);
}

#[test]
fn a_foreign_row_is_found() {
    let specimen = specimen(6);
    let value = specimen.image.get(&key_of(&specimen.actor, b"HEAD")).unwrap().to_vec();
    for path in ["", "HEADS", "HEAD/", "DELTA/", "WHAT/12"] {
        let mut image = specimen.image.clone();
        image.set(&key_of(&specimen.actor, path.as_bytes()), &value);
        let damage = damage_of(&image, &specimen.actor).unwrap();
        assert!(damage.iter().any(|damage| damage.row == path), "{path}: {damage:?}");
    }
}

/// The chunks between a file and a row that a flipped bit has put far behind it are missing, too
/// many to be named one by one: `verify` once tried to.
#[test]
fn a_chunk_far_behind_its_file_is_found() {
    let specimen = specimen(1);
    let keys = specimen.image.keys();
    let own = key_of(&specimen.actor, b"SHARD/");
    let mut far = keys.into_iter().find(|key| key.starts_with(&own)).unwrap();
    let value = specimen.image.get(&far).unwrap().to_vec();
    let at = far.len() - 4;
    far[at] = 0xff;
    let mut image = specimen.image.clone();
    image.set(&far, &value);
    let name = row_name(&specimen.actor, &far).unwrap();
    let damage = damage_of(&image, &specimen.actor).unwrap();
    assert!(damage.iter().any(|damage| damage.row == name), "{damage:?}");
    assert!(damage.len() < 2_000, "{}", damage.len());
}
