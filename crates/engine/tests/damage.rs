//! Every stored value damaged in every way: what is read is the right content or a typed error,
//! never other bytes, and `verify` names the row.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use actor_sqlite_engine::{CompactionOptions, EngineOptions};
use actor_sqlite_kv::{FaultKv, Image, Limits, MemKv, SyncMode};
use actor_sqlite_pagestore::{ActorId, Damage, PageStore, PageStoreAdmin, StoreError};
use common::*;
use fastrand::Rng;

fn options() -> EngineOptions {
    EngineOptions {
        compaction: CompactionOptions {
            batch_bytes: 1_500,
            retention_txids: 3,
            ..CompactionOptions::default()
        },
        ..EngineOptions::default()
    }
}

fn limits() -> Limits {
    Limits { value_bytes_preferred: 1_200, ..MemKv::LIMITS }
}

/// A store that has every kind of row, and each earlier value of the rows that change.
struct Specimen {
    actor: ActorId,
    image: Image,
    content: Pages,
    earlier: Vec<(Vec<u8>, Vec<u8>)>,
}

fn specimen(seed: u64) -> Specimen {
    let mut rng = Rng::with_seed(seed);
    let kv = Arc::new(FaultKv::with(Image::default(), SyncMode::Manual, limits()));
    let engine = engine_with(kv.clone(), options());
    let actor = actor("specimen");
    let mut owner = Owner::claim(&engine, &actor);
    let full: Pages = (1..=75).map(|pgno| (pgno, random_page(&mut rng, PAGE as usize))).collect();
    owner.commit(&full, 75).unwrap();
    for round in 0..4 {
        for _ in 0..3 {
            let (mut pages, _) = owner.transaction(&mut rng, 75);
            let size = owner.head.size;
            pages.retain(|&pgno, _| pgno <= size);
            pages.insert(70 + round % 2, random_page(&mut rng, PAGE as usize));
            owner.commit(&pages, size).unwrap();
        }
        if round < 3 {
            engine.compact(&actor).unwrap();
        }
        if round == 1 {
            engine.reclaim(&actor, 9).unwrap();
            owner = Owner::claim(&engine, &actor);
        }
    }
    owner.check();
    assert_sound(&engine, &actor);
    let mut earlier = Vec::new();
    for boundary in 0..kv.boundaries().len() {
        for crash in kv.crash_images_at(boundary) {
            for row in ["EPOCH", "HEAD", "ROOT"] {
                let key = key_of(&actor, row);
                if let Some(value) = crash.image.get(&key) {
                    earlier.push((key, value.to_vec()));
                }
            }
        }
    }
    let mut image = kv.image();
    // What belongs to the namespace is no row of the database.
    for key in image.keys().into_iter().filter(|key| key[0] != 2) {
        image.remove(&key);
    }
    earlier.sort();
    earlier.dedup();
    earlier.retain(|(key, value)| image.get(key) != Some(value));
    Specimen { actor, image, content: owner.model, earlier }
}

fn key_of(actor: &ActorId, path: &str) -> Vec<u8> {
    let mut key = vec![2];
    key.extend_from_slice(actor.namespace().as_bytes());
    key.push(0);
    key.extend_from_slice(actor.name().as_bytes());
    key.push(0);
    key.extend_from_slice(path.as_bytes());
    key
}

/// The words for a key, written down here a second time.
fn row_name(actor: &ActorId, key: &[u8]) -> String {
    let path = key.strip_prefix(&key_of(actor, "")[..]).unwrap();
    let slash = path.iter().position(|&byte| byte == b'/').unwrap_or(path.len());
    let kind = std::str::from_utf8(&path[..slash]).unwrap();
    let rest = path.get(slash + 1..).unwrap_or(&[]);
    let number = |at: usize, len: usize| {
        rest[at..at + len].iter().fold(0_u64, |number, &byte| number << 8 | u64::from(byte))
    };
    match kind {
        "DELTA" => format!("DELTA {} chunk {}", number(0, 8), number(9, 4)),
        "PIDX" => format!("PIDX {}", number(0, 8)),
        "GONE" => format!("GONE {} shard {}", number(0, 8), number(9, 4)),
        "SHARD" => {
            format!("SHARD {} as of {} chunk {}", number(0, 4), number(5, 8), number(14, 4))
        }
        "SIDX" => format!("SIDX {} as of {}", number(0, 4), number(5, 8)),
        kind => kind.to_owned(),
    }
}

#[derive(Debug, Default)]
struct Tally {
    mutations: u64,
    /// Noticed by the claim or by reading all pages.
    refused: u64,
    /// Not in the way of reading the newest state; verify found it.
    verify_only: u64,
}

/// Claims and reads everything, compacts, and reads everything again.
fn use_it(specimen: &Specimen, image: &Image) -> Result<(), StoreError> {
    let kv = Arc::new(MemKv::with(image.clone(), SyncMode::OnDemand, limits()));
    let engine = engine_with(kv, options());
    let claim = engine.claim(&specimen.actor, &claim_options(PAGE))?;
    let before = read_all(&engine, &claim.lease, &claim.head)?;
    assert!(before == specimen.content, "other bytes");
    engine.compact(&specimen.actor)?;
    engine.reclaim(&specimen.actor, 9)?;
    let after = read_all(&engine, &claim.lease, &claim.head)?;
    assert!(after == specimen.content, "other bytes after a compaction");
    Ok(())
}

fn damage_of(specimen: &Specimen, image: &Image) -> Vec<Damage> {
    let kv = Arc::new(MemKv::with(image.clone(), SyncMode::OnDemand, limits()));
    engine_with(kv, options()).verify(&specimen.actor).unwrap().damage
}

fn check(specimen: &Specimen, image: &Image, named: Option<&str>, what: &str, tally: &mut Tally) {
    tally.mutations += 1;
    let damage = damage_of(specimen, image);
    assert!(!damage.is_empty(), "verify misses: {what}");
    if let Some(named) = named {
        let found = damage.iter().any(|damage| damage.row == named);
        assert!(found, "verify does not name {named}: {what}: {damage:?}");
    }
    match use_it(specimen, image) {
        Ok(()) => tally.verify_only += 1,
        Err(StoreError::Corrupt { .. }) => tally.refused += 1,
        Err(other) => panic!("{what}: {other}"),
    }
}

#[test]
fn a_flipped_bit_is_found() {
    let seed = seed(1);
    let specimen = specimen(seed);
    let mut rng = Rng::with_seed(seed);
    let mut tally = Tally::default();
    let every_bit = std::env::var("EVERY_BIT").is_ok();
    for key in specimen.image.keys() {
        let value = specimen.image.get(&key).unwrap().to_vec();
        let name = row_name(&specimen.actor, &key);
        for at in 0..value.len() {
            let bits = if every_bit {
                0..8
            } else {
                let bit = rng.u32(0..8);
                bit..bit + 1
            };
            for bit in bits {
                let mut image = specimen.image.clone();
                let mut flipped = value.clone();
                flipped[at] ^= 1 << bit;
                image.set(&key, &flipped);
                check(
                    &specimen,
                    &image,
                    Some(&name),
                    &format!("{name} byte {at} bit {bit}"),
                    &mut tally,
                );
            }
        }
    }
    println!(
        "flips in {} rows of {} bytes: {tally:?}",
        specimen.image.len(),
        specimen.image.bytes()
    );
    assert!(tally.refused > tally.mutations / 4);
}

#[test]
fn a_truncated_or_zeroed_value_is_found() {
    let specimen = specimen(seed(2));
    let mut tally = Tally::default();
    for key in specimen.image.keys() {
        let value = specimen.image.get(&key).unwrap().to_vec();
        let name = row_name(&specimen.actor, &key);
        let zeros = vec![0; value.len()];
        let truncated = (0..16).map(|sixteenth| value[..value.len() * sixteenth / 16].to_vec());
        for damaged in truncated.chain([zeros]) {
            let mut image = specimen.image.clone();
            image.set(&key, &damaged);
            check(
                &specimen,
                &image,
                Some(&name),
                &format!("{name} at {}", damaged.len()),
                &mut tally,
            );
        }
    }
    println!("truncations: {tally:?}");
}

#[test]
fn a_swapped_value_is_found() {
    let specimen = specimen(seed(3));
    let mut tally = Tally::default();
    let mut kinds: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for key in specimen.image.keys() {
        let name = row_name(&specimen.actor, &key);
        let kind = name.split(' ').next().unwrap().to_owned();
        kinds.entry(kind).or_default().push(key);
    }
    for keys in kinds.values() {
        for (at, one) in keys.iter().enumerate() {
            for other in keys.iter().skip(at + 1).take(3) {
                let mut image = specimen.image.clone();
                image.swap(one, other);
                for key in [one, other] {
                    let name = row_name(&specimen.actor, key);
                    check(&specimen, &image, Some(&name), &format!("swapped {name}"), &mut tally);
                }
            }
        }
    }
    let kinds: Vec<_> = kinds.iter().map(|(kind, keys)| (kind, keys.len())).collect();
    println!("swaps among {kinds:?}: {tally:?}");
    assert!(kinds.len() >= 8, "every kind of row is in the specimen: {kinds:?}");
}

#[test]
fn a_deleted_row_is_found() {
    let specimen = specimen(seed(4));
    let mut tally = Tally::default();
    for key in specimen.image.keys() {
        let name = row_name(&specimen.actor, &key);
        let mut image = specimen.image.clone();
        image.remove(&key);
        // What a GONE row listed is named instead: nothing else knew of it.
        let named = (!name.starts_with("GONE")).then_some(&*name);
        check(&specimen, &image, named, &format!("deleted {name}"), &mut tally);
    }
    println!("deletions: {tally:?}");
}

#[test]
fn an_earlier_value_is_found() {
    let mut tally = Tally::default();
    let seed = seed(5);
    for round in 0..4 {
        let specimen = specimen(seed + round);
        for (key, value) in &specimen.earlier {
            let name = row_name(&specimen.actor, key);
            let mut image = specimen.image.clone();
            image.set(key, value);
            check(&specimen, &image, None, &format!("earlier {name}"), &mut tally);
        }
    }
    println!("earlier values: {tally:?}");
    assert!(tally.mutations > 50);
}

#[test]
fn a_foreign_row_is_found() {
    let specimen = specimen(seed(6));
    let value = specimen.image.get(&key_of(&specimen.actor, "HEAD")).unwrap().to_vec();
    for path in ["", "HEADS", "HEAD/", "DELTA/", "WHAT/12"] {
        let mut image = specimen.image.clone();
        image.set(&key_of(&specimen.actor, path), &value);
        let damage = damage_of(&specimen, &image);
        assert!(damage.iter().any(|damage| damage.row == path), "{path}: {damage:?}");
    }
}
