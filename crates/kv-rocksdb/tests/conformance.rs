//! The driver keeps the contract.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use actor_sqlite_kv::{Durability, Kv, conformance};
use actor_sqlite_kv_rocksdb::{RocksKv, RocksOptions};

fn seed() -> u64 {
    std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| fastrand::u64(..))
}

fn check(options: &RocksOptions) {
    let parent = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    let open = || -> Arc<dyn Kv> {
        number.set(number.get() + 1);
        RocksKv::open(&parent.path().join(number.get().to_string()), options).unwrap()
    };
    conformance::run(&open, seed());
    let path = parent.path().join("again");
    conformance::run_reopening(&|| RocksKv::open(&path, options).unwrap(), seed());
}

#[test]
fn with_the_defaults() {
    check(&RocksOptions::default());
}

#[test]
fn with_buffers_so_small_that_everything_is_flushed_and_compacted() {
    check(&RocksOptions {
        write_buffer_bytes: 64 << 10,
        memory_budget_bytes: 1 << 20,
        open_files_max: 16,
        ..Default::default()
    });
}

#[test]
fn with_os_durability() {
    check(&RocksOptions { durability: Durability::Os, ..Default::default() });
}

#[test]
fn without_filters() {
    check(&RocksOptions { bloom_bits_per_key: 0.0, ..Default::default() });
}

#[test]
fn a_simulated_round_trip_is_counted_and_changes_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let far = RocksOptions {
        simulated_round_trip: Some(Duration::from_micros(10)),
        ..Default::default()
    };
    let store = RocksKv::open(directory.path(), &far).unwrap();
    let mut batch = actor_sqlite_kv::Batch::new();
    batch.put(b"k".to_vec(), b"v".as_slice());
    let ticket = store.commit(&batch).unwrap();
    store.wait_durable(ticket).unwrap();
    let snapshot = store.snapshot().unwrap();
    assert!(snapshot.get(b"k", &mut |_| {}).unwrap());
    snapshot.multi_get(&[b"k".to_vec(), b"l".to_vec()], &mut |_, _| {}).unwrap();
    let metrics = store.metrics();
    assert_eq!(metrics.round_trips, 3);
    assert_eq!((metrics.commits, metrics.commit_bytes, metrics.gets), (1, 2, 3));
    assert_eq!((metrics.syncs, metrics.synced_commits, metrics.sync_ns.count()), (1, 1, 1));
    // A sleep is never shorter than asked.
    assert!(metrics.commit_ns.total_ns >= 10_000);
}
