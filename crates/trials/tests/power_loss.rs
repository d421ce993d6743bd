//! Power cuts under the whole stack: several actors write numbered SQL transactions to RocksDB,
//! whose system calls are recorded; whatever files a cut at any moment leaves, each actor has all
//! that was acknowledged, at most the transaction under way more, and nothing torn.
//!
//! `IMAGES` sets how many cuts.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actor_sqlite_engine::{EngineOptions, MaintenanceBudget};
use actor_sqlite_kv_rocksdb::{RocksKv, RocksOptions};
use actor_sqlite_recorder::{Loss, Record, Recording, Replay};
use actor_sqlite_trials::{Stack, StackOptions, TickingClock, ledger::Ledger, seed};

const ACTORS: u32 = 4;
const OPENINGS: u32 = 2;
const TRANSACTIONS: u32 = 60;

/// Thresholds so low that compaction, reclaim, flushes and changes of the log go on all the time.
fn stack(path: &Path) -> Stack {
    let rocks = RocksOptions {
        write_buffer_bytes: 64 << 10,
        memory_budget_bytes: 1 << 20,
        ..RocksOptions::default()
    };
    let mut engine = EngineOptions::default();
    engine.compaction.delta_count = 8;
    let kv = RocksKv::open(path, &rocks).unwrap();
    let options = StackOptions { engine, ..StackOptions::default() };
    Stack::new(kv, Arc::new(TickingClock::default()), options)
}

/// A mark is two numbers: the actor and its acknowledged transaction.
fn workload(path: &Path) -> Vec<Record> {
    let recording = Recording::start(path).unwrap();
    for opening in 0..OPENINGS {
        let stack = stack(path);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (stack, recording, done) = (&stack, &recording, &done);
            let maintenance = scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let report = stack.engine.maintain(MaintenanceBudget::default());
                    assert!(report.failures.is_empty(), "{:?}", report.failures);
                    std::thread::yield_now();
                }
            });
            let write = move |actor: u32| {
                let ledger = Ledger::open(stack, actor).unwrap();
                for number in opening * TRANSACTIONS + 1..=(opening + 1) * TRANSACTIONS {
                    ledger.write(number).unwrap();
                    recording.mark(&[actor.to_le_bytes(), number.to_le_bytes()].concat());
                }
            };
            let writers: Vec<_> =
                (0..ACTORS).map(|actor| scope.spawn(move || write(actor))).collect();
            let written = writers.into_iter().all(|writer| writer.join().is_ok());
            done.store(true, Ordering::Relaxed);
            assert!(maintenance.join().is_ok() && written, "a thread panicked; see above");
        });
    }
    recording.finish()
}

/// The last transaction of each actor that was acknowledged before a moment.
fn acknowledged(records: &[Record], moment: usize) -> [u32; ACTORS as usize] {
    let mut last = [0; ACTORS as usize];
    for record in &records[..moment] {
        if let Record::Mark(word) = record {
            let actor = u32::from_le_bytes(word[..4].try_into().unwrap());
            last[actor as usize] = u32::from_le_bytes(word[4..].try_into().unwrap());
        }
    }
    last
}

/// What is wrong with each actor of an image, when all were acknowledged up to `floors`.
fn wrong_with(path: &Path, floors: &[u32]) -> Vec<String> {
    let stack = stack(path);
    let check = |(actor, floor): (usize, &u32)| {
        let ledger = Ledger::open(&stack, actor as u32).unwrap();
        let wrong = ledger.check(*floor).unwrap();
        wrong.into_iter().map(move |wrong| format!("actor {actor}: {wrong}")).collect::<Vec<_>>()
    };
    floors.iter().enumerate().flat_map(check).collect()
}

#[test]
fn every_power_cut_leaves_all_acknowledged_transactions_and_none_torn() {
    let seed = seed("power_loss");
    if !Recording::is_possible() {
        return println!("skipped: nothing is recorded on this platform");
    }
    let mut rng = fastrand::Rng::with_seed(seed);
    let images = std::env::var("IMAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(150);
    let records = workload(tempfile::tempdir().unwrap().path());
    let parent = tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap());
    let mut replay = Replay::new(&records);
    let mut kept = 0;
    for (number, moment) in Replay::moments(&records, images, &mut rng).into_iter().enumerate() {
        replay.advance(moment);
        let loss = Loss::ALL[number % Loss::ALL.len()];
        let image = parent.path().join(number.to_string());
        replay.cut(loss, &mut rng, &image).unwrap();
        let floors = acknowledged(&records, moment);
        let wrong = wrong_with(&image, &floors);
        assert_eq!(wrong, [] as [String; 0], "image {number} at {moment}, {loss:?}");
        kept += floors.iter().sum::<u32>();
        std::fs::remove_dir_all(&image).unwrap();
    }
    println!(
        "power cuts: {images} of {} steps, transactions acknowledged before them: {kept}, lost: 0",
        records.len()
    );
    assert!(kept > images as u32 * ACTORS * 10, "the images say little: {kept}");
}

/// The trial itself is tried: syncs that the disk did not honour must be caught.
#[test]
fn a_disk_that_does_not_sync_is_caught() {
    if !Recording::is_possible() {
        return;
    }
    let seed = seed("power_loss of a lying disk");
    let mut rng = fastrand::Rng::with_seed(seed);
    let records = workload(tempfile::tempdir().unwrap().path());
    // No sync of a log counts; its name and the tables are there.
    let logs: Vec<u32> = records
        .iter()
        .filter_map(|record| match record {
            Record::Name { path, file } => {
                path.extension().is_some_and(|name| name == "log").then_some(*file)
            }
            _ => None,
        })
        .collect();
    let honoured: Vec<_> = records
        .into_iter()
        .filter(|record| !matches!(record, Record::SyncBegun { file: Some(file), .. } if logs.contains(file)))
        .collect();
    let parent = tempfile::tempdir().unwrap();
    let mut replay = Replay::new(&honoured);
    let mut caught = 0;
    for (number, moment) in Replay::moments(&honoured, 10, &mut rng).into_iter().enumerate() {
        replay.advance(moment);
        let image = parent.path().join(number.to_string());
        replay.cut(Loss::Everything, &mut rng, &image).unwrap();
        caught += usize::from(!wrong_with(&image, &acknowledged(&honoured, moment)).is_empty());
    }
    assert!(caught > 3, "only {caught} of 10 cuts lost what was not synced");
}
