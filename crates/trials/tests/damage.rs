//! Every stored value flipped, truncated, swapped and deleted: SQLite then reads what was written
//! or gets a typed error that names the row. It never reads anything else.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use actor_sqlite_kv::{Image, Kv, MemKv, SyncMode};
use actor_sqlite_pagestore::{ActorId, PageStoreAdmin, StoreError};
use actor_sqlite_session::{OpenOptions, SessionError};
use actor_sqlite_trials::{Oracle, Stack, StackOptions, TickingClock, Workload, seed};

fn actor() -> ActorId {
    ActorId::new("trials", "damage").unwrap()
}

fn stack(kv: Arc<dyn Kv>) -> Stack {
    Stack::new(kv, Arc::new(TickingClock::default()), StackOptions::default())
}

/// A store with shards, deltas above them, and deltas that are kept below.
fn sound_store(seed: u64) -> (Image, Vec<String>) {
    let kv = Arc::new(MemKv::new());
    let stack = stack(kv.clone());
    let (oracle, mut workload) = (Oracle::default(), Workload::new(seed));
    let db = stack.open(&actor(), OpenOptions::default()).unwrap();
    for step in 0..40 {
        let script = workload.next_script();
        oracle.script(&script).unwrap();
        db.script(&script).unwrap();
        if step == 15 || step == 30 {
            stack.engine.compact(&actor()).unwrap();
        }
    }
    db.close().unwrap();
    (kv.image(), oracle.dump())
}

#[derive(Default)]
struct Tally {
    mutations: u64,
    /// Found by `verify`, in rows that no read of the newest state needs.
    unread: u64,
    /// Found by `verify`, and refused with a name on the way of a read.
    refused: u64,
}

/// Opens the damaged store and reads everything.
fn try_one(image: Image, what: &str, sound: &[String], tally: &mut Tally) {
    tally.mutations += 1;
    let kv = Arc::new(MemKv::with(image, SyncMode::OnDemand, MemKv::LIMITS));
    let stack = stack(kv);
    let report = stack.engine.verify(&actor()).unwrap();
    assert!(!report.damage.is_empty(), "{what}: verify finds nothing");
    let outcome = stack.open(&actor(), OpenOptions::default()).and_then(|db| db.dump());
    match outcome {
        Ok(dump) => {
            assert_eq!(dump, sound, "{what}: read silently wrong");
            tally.unread += 1;
        }
        Err(SessionError::Store(StoreError::Corrupt { row, .. })) => {
            assert!(!row.is_empty(), "{what}: the row has no name");
            tally.refused += 1;
        }
        Err(other) => panic!("{what}: not a named corruption: {other:?}"),
    }
}

#[test]
fn no_change_of_a_stored_value_is_read_silently() {
    let seed = seed("damage");
    let mut rng = fastrand::Rng::with_seed(seed);
    let (image, sound) = sound_store(seed);
    // What belongs to the namespace is no row of the database.
    let keys: Vec<_> = image.keys().into_iter().filter(|key| key[0] == 2).collect();
    let mut tally = Tally::default();
    for (i, key) in keys.iter().enumerate() {
        let value = image.get(key).unwrap().to_vec();
        let mut mutate = |what: &str, new: Option<&[u8]>| {
            let mut damaged = image.clone();
            match new {
                Some(new) => damaged.set(key, new),
                None => {
                    damaged.remove(key);
                }
            }
            let name = format!("{what} of row {i} {}", String::from_utf8_lossy(key).escape_debug());
            try_one(damaged, &name, &sound, &mut tally);
        };
        for _ in 0..6 {
            let mut flipped = value.clone();
            let bit = rng.usize(..value.len() * 8);
            flipped[bit / 8] ^= 1 << (bit % 8);
            mutate("a bit flip", Some(&flipped));
        }
        for sixteenth in [0, 4, 8, 12, 15] {
            mutate("a truncation", Some(&value[..value.len() * sixteenth / 16]));
        }
        mutate("an extension", Some(&[&value[..], &[0]].concat()));
        mutate("a zeroing", Some(&vec![0; value.len()]));
        mutate("a deletion", None);
        for other in [(i + 1) % keys.len(), rng.usize(..keys.len())] {
            if other != i {
                mutate("a replacement by another row's value", image.get(&keys[other]));
            }
        }
    }
    println!(
        "mutations: {}, all found by verify; refused by reads: {}, in rows not read: {}, silent: 0",
        tally.mutations, tally.refused, tally.unread
    );
    assert!(tally.mutations > 500 && tally.refused > 100 && tally.unread > 0);
}
