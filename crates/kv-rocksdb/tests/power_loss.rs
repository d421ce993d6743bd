//! Power cuts under RocksDB: its own files, as a recording of its system calls says a cut at any
//! moment could leave them, are opened and compared with what was acknowledged.
//!
//! `IMAGES` sets how many.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use actor_sqlite_kv::{Batch, Durability, Kv, Scan};
use actor_sqlite_kv_rocksdb::{RocksKv, RocksOptions};
use actor_sqlite_recorder::{Loss, Record, Recording, Replay};
use fastrand::Rng;

const WRITERS: u64 = 4;
const OPENINGS: u64 = 3;
const BATCHES: u64 = 150;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seed() -> u64 {
    let seed = from_environment("SEED").unwrap_or_else(|| fastrand::u64(..));
    eprintln!("SEED={seed}");
    seed
}

fn options(durability: Durability) -> RocksOptions {
    // So small that flushes, compactions and changes of the log go on all the time.
    RocksOptions {
        durability,
        write_buffer_bytes: 64 << 10,
        memory_budget_bytes: 1 << 20,
        ..Default::default()
    }
}

/// What the program says in the recording: the kind and the batch.
const BEGUN: u8 = 0;
const ORDERED: u8 = 1;
const ACKNOWLEDGED: u8 = 2;

fn say(recording: &Recording, kind: u8, id: u64) {
    recording.mark(&[&[kind], id.to_be_bytes().as_slice()].concat());
}

fn key(kind: u8, number: u64) -> Vec<u8> {
    [&[kind], number.to_be_bytes().as_slice()].concat()
}

const TOTAL: &[u8] = b"total";

/// Batch `count` of a writer: its rows, its head, which is guarded, and its share of the total.
fn batch(writer: u64, count: u64, rng: &mut Rng) -> (u64, Batch<'static>) {
    let id = writer << 32 | count;
    let mut batch = Batch::new();
    let before = (count > 0).then(|| (count - 1).to_be_bytes().to_vec());
    batch.guard(key(b'h', writer), before).put(key(b'h', writer), count.to_be_bytes().to_vec());
    let rows = rng.u8(1..5);
    for row in 0..rows {
        let bytes = if rng.u8(0..20) == 0 { rng.usize(0..40_000) } else { rng.usize(0..600) };
        let mut value = vec![row; bytes + 1];
        value[0] = rows;
        batch.put([key(b'r', id).as_slice(), &[row]].concat(), value);
    }
    batch.add(TOTAL.to_vec(), vec![1, id as i64]);
    (id, batch)
}

/// The store is closed and opened again a few times; batches are waited for, or called back for,
/// or neither. `honest` is whether an acknowledgement waits for the sync.
fn workload(path: &Path, durability: Durability, seed: u64, honest: bool) -> Vec<Record> {
    let recording = Arc::new(Recording::start(path).unwrap());
    for opening in 0..OPENINGS {
        let store = RocksKv::open(path, &options(durability)).unwrap();
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (store, recording) = (&store, &recording);
                scope.spawn(move || {
                    let mut rng = Rng::with_seed(seed ^ writer << 56 ^ opening << 48);
                    for count in opening * BATCHES..(opening + 1) * BATCHES {
                        let (id, batch) = batch(writer, count, &mut rng);
                        say(recording, BEGUN, id);
                        let ticket = store.commit(&batch).unwrap();
                        say(recording, ORDERED, id);
                        match rng.u8(0..4) {
                            _ if !honest => say(recording, ACKNOWLEDGED, id),
                            0 => {
                                store.wait_durable(ticket).unwrap();
                                say(recording, ACKNOWLEDGED, id);
                            }
                            1 => {
                                let recording = Arc::clone(recording);
                                let called = move |outcome: Result<(), _>| {
                                    outcome.unwrap();
                                    say(&recording, ACKNOWLEDGED, id);
                                };
                                store.on_durable(ticket, Box::new(called));
                            }
                            _ => {}
                        }
                    }
                });
            }
        });
    }
    Arc::try_unwrap(recording).ok().expect("all callbacks are over").finish()
}

/// What the program had said by a moment. Positions are those of the records.
#[derive(Default)]
struct Said {
    begun: HashMap<u64, usize>,
    ordered: HashMap<u64, usize>,
    acknowledged: Vec<u64>,
}

impl Said {
    fn by(records: &[Record], moment: usize) -> Self {
        let mut said = Self::default();
        for (position, record) in records[..moment].iter().enumerate() {
            let Record::Mark(word) = record else { continue };
            let id = u64::from_be_bytes(word[1..].try_into().unwrap());
            match word[0] {
                BEGUN => drop(said.begun.insert(id, position)),
                ORDERED => drop(said.ordered.insert(id, position)),
                _ => said.acknowledged.push(id),
            }
        }
        said
    }
}

/// What is in a store.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Rows there are and rows there should be, by batch.
    batches: HashMap<u64, (u8, u8)>,
    heads: HashMap<u64, u64>,
    total: Option<Vec<u8>>,
}

fn find(store: &RocksKv) -> Found {
    let mut found = Found::default();
    let scan = Scan { start: b"", end: &[0xff; 10], limit: usize::MAX, reverse: false };
    let snapshot = store.snapshot().unwrap();
    snapshot
        .scan(scan, &mut |key, value| {
            if key == TOTAL {
                found.total = Some(value.to_vec());
                return ControlFlow::Continue(());
            }
            let number = u64::from_be_bytes(key[1..9].try_into().unwrap());
            if key[0] == b'h' {
                found.heads.insert(number, u64::from_be_bytes(value.try_into().unwrap()));
                return ControlFlow::Continue(());
            }
            assert!(value[1..].iter().all(|byte| *byte == key[9]), "a row with other bytes");
            found.batches.entry(number).or_insert((0, value[0])).0 += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    found
}

/// What is wrong with a store, given what was said before the cut; nothing if all is well.
fn wrong_with(found: &Found, said: &Said) -> Option<String> {
    if let Some((id, rows)) = found.batches.iter().find(|(_, (rows, all))| rows != all) {
        return Some(format!("batch {id:x} is torn: {rows:?}"));
    }
    if let Some(id) = said.acknowledged.iter().find(|id| !found.batches.contains_key(id)) {
        return Some(format!("batch {id:x} was acknowledged and is lost"));
    }
    if let Some(id) = found.batches.keys().find(|id| !said.begun.contains_key(id)) {
        return Some(format!("batch {id:x} was never begun"));
    }
    // Whatever was ordered before another began comes before it.
    let first_lost = said.ordered.iter().filter(|(id, _)| !found.batches.contains_key(id));
    if let Some((lost, ordered)) = first_lost.min_by_key(|(_, ordered)| **ordered)
        && let Some(later) = found.batches.keys().find(|id| said.begun[id] > *ordered)
    {
        return Some(format!("batch {lost:x} is lost, and the later {later:x} is not"));
    }
    for writer in 0..WRITERS {
        let last = found.batches.keys().filter(|id| *id >> 32 == writer).max();
        let head = found.heads.get(&writer);
        if last.map(|id| id & 0xffff_ffff) != head.copied() {
            return Some(format!("head {head:?} of writer {writer}, but batch {last:x?}"));
        }
    }
    let sum = found.batches.keys().fold(0_i64, |sum, id| sum.wrapping_add(*id as i64));
    let counters = [found.batches.len() as i64, sum];
    let total: Vec<u8> = counters.iter().flat_map(|counter| counter.to_le_bytes()).collect();
    let expected = (!found.batches.is_empty()).then_some(total);
    (found.total != expected).then(|| format!("{:?} is the total of {counters:?}", found.total))
}

/// Opens an image; what is found, or why it does not open.
fn recover(path: &Path, durability: Durability) -> Result<Found, String> {
    let store = RocksKv::open(path, &options(durability)).map_err(|error| format!("{error:?}"))?;
    Ok(find(&store))
}

/// Where images are opened: in memory if possible, because nobody waits for their syncs.
fn fast_directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Images of a workload; the first thing that is wrong with one of them.
fn try_images(
    durability: Durability,
    images: u64,
    seed: u64,
    honest: bool,
) -> Result<(usize, usize), String> {
    let mut rng = Rng::with_seed(seed);
    let records = workload(tempfile::tempdir().unwrap().path(), durability, seed, honest);
    let parent = fast_directory();
    let (mut acknowledged, mut twice) = (0, 0);
    let mut replay = Replay::new(&records);
    for (number, moment) in
        Replay::moments(&records, images as usize, &mut rng).into_iter().enumerate()
    {
        replay.advance(moment);
        let loss = match durability {
            // The system lives on.
            Durability::Os => Loss::Nothing,
            _ => Loss::ALL[number % Loss::ALL.len()],
        };
        let path = parent.path().join(number.to_string());
        replay.cut(loss, &mut rng, &path).unwrap();
        let said = Said::by(&records, moment);
        let blame =
            |wrong| format!("image {number} at {moment} of {}, {loss:?}: {wrong}", records.len());
        // Of some, the recovery is recorded too, and cut in its turn.
        let recovery = (number % 8 == 7).then(|| Recording::start(&path).unwrap());
        let found = recover(&path, durability).map_err(blame)?;
        if let Some(wrong) = wrong_with(&found, &said) {
            return Err(blame(wrong));
        }
        acknowledged += said.acknowledged.len();
        if let Some(recovery) = recovery {
            let records = recovery.finish();
            let mut second = Replay::new(&records);
            for (part, moment) in Replay::moments(&records, 3, &mut rng).into_iter().enumerate() {
                second.advance(moment);
                let path = parent.path().join(format!("{number}.{part}"));
                // What was there when the recovery began is there for good.
                second.advance(stock_of(&records));
                let loss = if durability == Durability::Os { Loss::Nothing } else { Loss::Mixed };
                second.cut(loss, &mut rng, &path).unwrap();
                let again = recover(&path, durability).map_err(blame)?;
                if again != found {
                    return Err(blame(format!(
                        "another state after a cut in the recovery, {moment}"
                    )));
                }
                twice += 1;
                std::fs::remove_dir_all(&path).unwrap();
            }
        }
        std::fs::remove_dir_all(&path).unwrap();
    }
    eprintln!(
        "{images} images of {} steps, {twice} of recoveries, {acknowledged} acknowledgements kept",
        records.len()
    );
    Ok((acknowledged, twice))
}

/// The steps at the beginning of a recording that say what was there.
fn stock_of(records: &[Record]) -> usize {
    let of_directory = |record: &Record| matches!(record, Record::SyncBegun { file: None, .. });
    records.iter().position(of_directory).unwrap() + 2
}

fn images() -> u64 {
    from_environment("IMAGES").unwrap_or(300)
}

#[test]
fn every_power_cut_leaves_whole_batches_in_order_and_all_acknowledged_ones() {
    if !Recording::is_possible() {
        return eprintln!("skipped: nothing is recorded on this platform");
    }
    let seed = seed();
    let rounds = images().div_ceil(150);
    for round in 0..rounds {
        let (acknowledged, twice) =
            try_images(Durability::Disk, 150, seed.wrapping_add(round), true)
                .unwrap_or_else(|wrong| panic!("{wrong}"));
        assert!(acknowledged > 10_000 && twice > 10, "the images say little");
    }
}

#[test]
fn every_crash_of_the_process_leaves_all_that_was_ordered_with_os_durability() {
    if !Recording::is_possible() {
        return;
    }
    let tried = try_images(Durability::Os, images() / 3, seed(), true);
    tried.unwrap_or_else(|wrong| panic!("{wrong}"));
}

/// The test itself is tested: acknowledgements that do not wait for the sync must be caught.
#[test]
fn an_acknowledgement_before_the_sync_is_caught() {
    if !Recording::is_possible() {
        return;
    }
    let caught = try_images(Durability::Disk, 100, seed(), false).unwrap_err();
    assert!(caught.contains("was acknowledged and is lost"), "{caught}");
}

/// And so must be a store that syncs nothing and says that it does.
#[test]
fn durability_of_the_system_that_is_taken_for_that_of_the_disk_is_caught() {
    if !Recording::is_possible() {
        return;
    }
    let records = workload(tempfile::tempdir().unwrap().path(), Durability::Os, seed(), true);
    let parent = fast_directory();
    let mut replay = Replay::new(&records);
    let mut lost = 0;
    for (number, moment) in
        Replay::moments(&records, 40, &mut Rng::with_seed(1)).into_iter().enumerate()
    {
        replay.advance(moment);
        let path = parent.path().join(number.to_string());
        replay.cut(Loss::Everything, &mut Rng::with_seed(1), &path).unwrap();
        let found = recover(&path, Durability::Disk).unwrap();
        lost += usize::from(wrong_with(&found, &Said::by(&records, moment)).is_some());
    }
    assert!(lost > 10, "only {lost} of 40 power cuts lost what was not synced");
}
