//! Opening, sharing and reopening a directory.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use actor_sqlite_kv::{Batch, Durability, Kv, KvError, Ticket};
use actor_sqlite_kv_rocksdb::{RocksKv, RocksOptions};

fn small() -> RocksOptions {
    RocksOptions { write_buffer_bytes: 1 << 20, memory_budget_bytes: 8 << 20, ..Default::default() }
}

fn put(store: &RocksKv, key: &str, value: &[u8]) -> Ticket {
    let mut batch = Batch::new();
    batch.put(key.into(), value.to_vec());
    store.commit(&batch).unwrap()
}

fn get(store: &RocksKv, key: &str) -> Option<Vec<u8>> {
    let mut value = None;
    store
        .snapshot()
        .unwrap()
        .get(key.as_bytes(), &mut |bytes| value = Some(bytes.to_vec()))
        .unwrap();
    value
}

#[test]
fn everything_survives_an_orderly_close() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let store = RocksKv::open(directory.path(), &small()).unwrap();
        for earlier in 0..round {
            assert_eq!(get(&store, &format!("k{earlier}")), Some(vec![earlier; 100_000]));
        }
        // Nobody waits for it: closing makes it durable.
        put(&store, &format!("k{round}"), &vec![round; 100_000]);
    }
}

#[test]
fn one_process_shares_one_instance() {
    let directory = tempfile::tempdir().unwrap();
    let first = RocksKv::open(directory.path(), &small()).unwrap();
    let indirect = directory.path().join("..").join(directory.path().file_name().unwrap());
    let second = RocksKv::open(&indirect, &small()).unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    put(&first, "k", b"v");
    drop(first);
    assert_eq!(get(&second, "k"), Some(b"v".to_vec()));
}

#[test]
fn other_options_are_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let live = RocksKv::open(directory.path(), &small()).unwrap();
    let other = RocksOptions { durability: Durability::Os, open_files_max: 17, ..small() };
    let Err(KvError::Invalid { reason }) = RocksKv::open(directory.path(), &other) else {
        panic!("opened with other options");
    };
    assert!(reason.contains("durability") && reason.contains("open_files_max"), "{reason}");
    drop(live);
    assert_eq!(RocksKv::open(directory.path(), &other).unwrap().durability(), Durability::Os);
}

#[test]
fn opening_and_closing_from_many_threads_never_collides() {
    let directory = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for number in 0..8 {
            let path = directory.path();
            scope.spawn(move || {
                for round in 0..5 {
                    let store = RocksKv::open(path, &small()).unwrap();
                    put(&store, &format!("{number}/{round}"), b"v");
                }
            });
        }
    });
    let store = RocksKv::open(directory.path(), &small()).unwrap();
    for number in 0..8 {
        for round in 0..5 {
            assert!(get(&store, &format!("{number}/{round}")).is_some());
        }
    }
}

#[test]
fn the_last_reference_may_go_in_a_callback() {
    let directory = tempfile::tempdir().unwrap();
    let store = RocksKv::open(directory.path(), &small()).unwrap();
    let ticket = put(&store, "k", b"v");
    let (sender, receiver) = mpsc::channel();
    let last = Arc::clone(&store);
    let on_other_thread = Arc::downgrade(&store);
    store.on_durable(
        ticket,
        Box::new(move |outcome| {
            // Until the test has let go of its own.
            while Arc::strong_count(&last) > 1 {
                thread::yield_now();
            }
            drop(last);
            sender.send(outcome).unwrap();
        }),
    );
    drop(store);
    receiver.recv().unwrap().unwrap();
    assert!(on_other_thread.upgrade().is_none());
    let again = RocksKv::open(directory.path(), &small()).unwrap();
    assert_eq!(get(&again, "k"), Some(b"v".to_vec()));
}

#[test]
fn damaged_tables_are_said_to_be_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let store = RocksKv::open(directory.path(), &small()).unwrap();
    for number in 0..64 {
        put(&store, &format!("k{number:02}"), &vec![number; 60_000]);
    }
    drop(store);
    let store = RocksKv::open(directory.path(), &small()).unwrap();
    drop(store);
    let mut damaged = 0;
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sst") {
            let mut bytes = std::fs::read(&path).unwrap();
            if bytes.len() < 60_000 {
                // Of the filler; damage there would be found by the opening already.
                continue;
            }
            bytes[1000] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    let store = RocksKv::open(directory.path(), &small()).unwrap();
    let snapshot = store.snapshot().unwrap();
    let outcomes: Vec<_> = (0..64)
        .map(|number| snapshot.get(format!("k{number:02}").as_bytes(), &mut |_| {}))
        .collect();
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Err(KvError::Damaged { .. }))));
}

fn add(store: &RocksKv, key: &str, deltas: &[i64]) {
    let mut batch = Batch::new();
    batch.add(key.into(), deltas.to_vec());
    store.commit(&batch).unwrap();
}

/// Additions are put off: they meet in the log, in tables and in compactions, and each of these
/// must know how to add.
#[test]
fn additions_are_summed_whatever_file_they_are_in() {
    let directory = tempfile::tempdir().unwrap();
    let options = RocksOptions { write_buffer_bytes: 64 << 10, ..small() };
    for round in 1..=8_i64 {
        let store = RocksKv::open(directory.path(), &options).unwrap();
        for step in 0..100 {
            add(&store, "sum", &[1, -round]);
            // Fills write buffers, so that tables are made and compacted in between.
            put(&store, &format!("filler{step}"), &[7; 2_000]);
        }
        let sum = [100 * round, -50 * round * (round + 1)];
        let expected: Vec<u8> = sum.iter().flat_map(|counter| counter.to_le_bytes()).collect();
        assert_eq!(get(&store, "sum"), Some(expected), "round {round}");
    }
}

/// As a power cut in the first opening leaves it.
#[test]
fn a_store_without_any_log_opens() {
    let directory = tempfile::tempdir().unwrap();
    drop(RocksKv::open(directory.path(), &small()).unwrap());
    let mut removed = 0;
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "log") {
            std::fs::remove_file(path).unwrap();
            removed += 1;
        }
    }
    assert_eq!(removed, 1);
    for round in 0..3 {
        let store = RocksKv::open(directory.path(), &small()).unwrap();
        assert_eq!(get(&store, "k").is_some(), round > 0);
        put(&store, "k", b"v");
    }
}

fn bytes_of_tables(directory: &std::path::Path) -> u64 {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let tables =
        files.filter(|file| file.path().extension().is_some_and(|extension| extension == "sst"));
    tables.map(|file| file.metadata().map_or(0, |metadata| metadata.len())).sum()
}

#[derive(Clone, Copy)]
enum Deletes {
    Singly,
    /// Each beside a new row, so that no table is mostly deletes.
    BetweenOthers,
    AsARange,
}

/// Nothing is written after the deletes: the store must come to rest small by itself.
fn deletes_give_their_room_back(deletes: Deletes) {
    const ROWS: u32 = 4_000;
    let directory = tempfile::tempdir().unwrap();
    let store = RocksKv::open(directory.path(), &small()).unwrap();
    let key = |row: u32| row.to_be_bytes().to_vec();
    for row in 0..ROWS {
        let mut batch = Batch::new();
        batch.put(key(row), vec![row as u8; 8_000]);
        store.commit(&batch).unwrap();
    }
    store.give_back().unwrap();
    let before = bytes_of_tables(directory.path());
    assert!(before > 20 << 20, "{before} bytes of tables");
    let mut batch = Batch::new();
    if let Deletes::AsARange = deletes {
        batch.delete_range(key(0), key(ROWS - 10));
    } else {
        for row in 0..ROWS - 10 {
            batch.delete(key(row));
            if let Deletes::BetweenOthers = deletes {
                batch.put([&key(row)[..], b"beside"].concat(), vec![7; 50]);
            }
        }
    }
    store.commit(&batch).unwrap();
    store.give_back().unwrap();
    let begun = std::time::Instant::now();
    while bytes_of_tables(directory.path()) > before / 10 {
        assert!(begun.elapsed().as_secs() < 30, "{}", bytes_of_tables(directory.path()));
        thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(store.snapshot().unwrap().get(&key(ROWS - 1), &mut |_| {}).unwrap());
}

#[test]
fn rows_deleted_singly_give_their_room_back() {
    deletes_give_their_room_back(Deletes::Singly);
}

#[test]
fn rows_deleted_between_others_give_their_room_back() {
    deletes_give_their_room_back(Deletes::BetweenOthers);
}

#[test]
fn rows_deleted_as_a_range_give_their_room_back() {
    deletes_give_their_room_back(Deletes::AsARange);
}
