//! A real disk that is full, and has room again.
//!
//! Needs the right to mount a small file system; without it the tests say so and end.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::Command;

use actor_sqlite_kv::{Batch, Durability, Kv, KvError, Scan, Ticket};
use actor_sqlite_kv_rocksdb::{RocksKv, RocksOptions};

const DISK_BYTES: usize = 48 << 20;
const BALLAST_BYTES: usize = 16 << 20;

/// A file system of its own, in memory.
struct SmallDisk {
    root: tempfile::TempDir,
}

impl SmallDisk {
    fn mount() -> Option<Self> {
        let root = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={DISK_BYTES}"), "none"])
            .arg(root.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => {}
            other => {
                eprintln!("skipped: a small file system cannot be mounted here: {other:?}");
                return None;
            }
        }
        let disk = Self { root };
        fs::write(disk.ballast(), vec![1; BALLAST_BYTES]).unwrap();
        Some(disk)
    }

    fn store(&self) -> PathBuf {
        self.root.path().join("store")
    }

    fn ballast(&self) -> PathBuf {
        self.root.path().join("ballast")
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.root.path()).status();
    }
}

fn options(disk_reserve_bytes: u64, durability: Durability) -> RocksOptions {
    RocksOptions {
        durability,
        write_buffer_bytes: 1 << 20,
        memory_budget_bytes: 4 << 20,
        disk_reserve_bytes,
        ..Default::default()
    }
}

/// Batch `number`: two rows, so that a half one can be told.
fn commit(store: &RocksKv, number: u32) -> Result<Ticket, KvError> {
    let mut batch = Batch::new();
    for row in 0..2_u8 {
        let value = vec![number as u8 ^ row; 8_000 + number as usize % 5_000];
        batch.put([number.to_be_bytes().as_slice(), &[row]].concat(), value);
    }
    store.commit(&batch)
}

/// The batches there are: the first so many, each whole.
fn batches(store: &RocksKv) -> u32 {
    let mut rows = 0_u32;
    let scan = Scan { start: b"", end: &[0xff; 9], limit: usize::MAX, reverse: false };
    let snapshot = store.snapshot().unwrap();
    snapshot
        .scan(scan, &mut |key, value| {
            let (number, row) = (rows / 2, (rows % 2) as u8);
            assert_eq!(key, [number.to_be_bytes().as_slice(), &[row]].concat(), "a gap");
            assert!(value.iter().all(|byte| *byte == number as u8 ^ row));
            rows += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(rows.is_multiple_of(2), "half a batch");
    rows / 2
}

/// Commits until it fails; how many landed, how many of them are durable, and the error.
fn fill(store: &RocksKv, from: u32) -> (u32, u32, KvError) {
    let (mut number, mut durable) = (from, from);
    loop {
        let outcome = commit(store, number).and_then(|ticket| {
            number += 1;
            if number.is_multiple_of(16) {
                store.wait_durable(ticket)?;
                durable = number;
            }
            Ok(())
        });
        if let Err(error) = outcome {
            return (number, durable, error);
        }
    }
}

/// Fills until the store says that the disk is full.
fn fill_until_full(store: &RocksKv, from: u32) -> u32 {
    let (landed, _, error) = fill(store, from);
    assert!(matches!(error, KvError::Full { .. }), "{error:?}");
    landed
}

#[test]
fn a_full_disk_is_told_in_time_and_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let options = options(6 << 20, Durability::Disk);
    let store = RocksKv::open(&disk.store(), &options).unwrap();
    // Compactions that end give some room back, so that a few more are let in now and then.
    let (mut landed, mut refused) = (0, 0);
    while refused < 50 {
        let filled = fill_until_full(&store, landed);
        refused = if filled == landed { refused + 1 } else { 0 };
        landed = filled;
        assert_eq!(batches(&store), landed);
    }
    assert!(landed > 500, "{landed} batches of 16 KB fitted on the disk");
    drop(store);
    let store = RocksKv::open(&disk.store(), &options).unwrap();
    assert_eq!(batches(&store), landed);

    disk.make_room();
    let ticket = commit(&store, landed).unwrap();
    store.wait_durable(ticket).unwrap();
    let filled = fill_until_full(&store, landed + 1);
    assert!(filled > landed + 100, "{filled} after {landed}");
    assert_eq!(batches(&store), filled);
    eprintln!("full after {landed} batches, and after {filled} with more room");
}

/// Without a reserve RocksDB itself meets the end of the disk. If a flush did and no write buffer
/// is left, the store says that it is full; otherwise it ends.
fn without_a_reserve(durability: Durability) {
    let Some(disk) = SmallDisk::mount() else { return };
    let options = options(0, durability);
    let store = RocksKv::open(&disk.store(), &options).unwrap();
    let (landed, durable, error) = fill(&store, 0);
    assert!(durable > 500, "{durable} batches of 16 KB fitted on the disk");
    if matches!(error, KvError::Full { .. }) {
        assert_eq!(batches(&store), landed);
    } else {
        assert!(matches!(error, KvError::UnknownOutcome { .. } | KvError::Dead { .. }));
        // Nothing goes on upon what may not be there.
        assert!(matches!(commit(&store, landed), Err(KvError::Dead { .. })));
        assert!(matches!(store.snapshot().err(), Some(KvError::Dead { .. })));
    }
    drop(store);

    // There may be no room to open it, which is not damage.
    match RocksKv::open(&disk.store(), &options) {
        Ok(store) => drop(store),
        Err(KvError::Full { .. } | KvError::Unavailable { .. }) => {}
        Err(error) => panic!("opening on a full disk: {error:?}"),
    }
    disk.make_room();
    let store = RocksKv::open(&disk.store(), &options).unwrap();
    let found = batches(&store);
    assert!((durable..=landed + 1).contains(&found), "{durable} durable, {landed} landed, {found}");
    let ticket = commit(&store, found).unwrap();
    store.wait_durable(ticket).unwrap();
    drop(store);
    let store = RocksKv::open(&disk.store(), &options).unwrap();
    assert_eq!(batches(&store), found + 1);
    eprintln!("{durable} durable, {landed} landed, {found} found; {error:?}");
}

#[test]
fn a_disk_that_ends_under_rocksdb_loses_nothing_durable() {
    without_a_reserve(Durability::Disk);
}

#[test]
fn a_disk_that_ends_under_rocksdb_loses_nothing_ordered_with_os_durability() {
    without_a_reserve(Durability::Os);
}
