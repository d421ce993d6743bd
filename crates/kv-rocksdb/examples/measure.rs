//! Measures the store on this machine: `cargo run --release --example measure -- <directory>`.
//!
//! The directory must be on the disk in question; it is filled and emptied again. Further
//! arguments pick parts by name. Latencies are medians and 99th percentiles of one run.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;
use std::{env, fs, hint, thread};

use actor_sqlite_kv::{Batch, Durability, Kv, Ticket};
use actor_sqlite_kv_rocksdb::{RocksKv, RocksOptions};

type Part = fn(&Path);

const PARTS: [(&str, Part); 11] = [
    ("lone", lone),
    ("outstanding", outstanding),
    ("waiters", waiters),
    ("large", large),
    ("cold", cold),
    ("ranges", ranges),
    ("counters", counters),
    ("stream", stream),
    ("stream-64", stream_with_64_mib),
    ("given-back", given_back),
    ("open", open_and_close),
];

fn main() {
    let mut arguments = env::args().skip(1);
    let directory: PathBuf = arguments.next().expect("a directory").into();
    let picked: Vec<_> = arguments.collect();
    for (name, part) in PARTS {
        if picked.is_empty() || picked.iter().any(|pick| pick == name) {
            println!("## {name}");
            part(&directory.join("measure"));
        }
    }
}

fn fresh(directory: &Path, options: &RocksOptions) -> Arc<RocksKv> {
    let _ = fs::remove_dir_all(directory);
    RocksKv::open(directory, options).unwrap()
}

fn us(mut times_ns: Vec<u64>) -> String {
    times_ns.sort_unstable();
    let at = |quantile: f64| {
        times_ns[((times_ns.len() - 1) as f64 * quantile) as usize] as f64 / 1_000.0
    };
    format!("p50 {:.1} µs, p90 {:.1} µs, p99 {:.1} µs", at(0.5), at(0.9), at(0.99))
}

fn ns(begun: Instant) -> u64 {
    begun.elapsed().as_nanos() as u64
}

fn random(bytes: usize) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(bytes as u64);
    let mut out = vec![0; bytes];
    rng.fill(&mut out);
    out
}

/// A small commit as the engine makes it: a head with a guard, a delta and its page index.
fn small(actor: u64, txid: u64, head: Option<Vec<u8>>) -> (Batch<'static>, Vec<u8>) {
    let key = |kind: &[u8], txid: u64| {
        [b"\x02", actor.to_be_bytes().as_slice(), kind, &txid.to_be_bytes()].concat()
    };
    let next = [txid.to_be_bytes().as_slice(), &[7; 72]].concat();
    let mut batch = Batch::new();
    batch
        .guard(key(b"HEAD", 0), head)
        .put(key(b"HEAD", 0), next.clone())
        .put(key(b"PIDX", txid), random(40))
        .put(key(b"DELTA", txid), random(400));
    (batch, next)
}

/// Writes enough that all logs have been rotated and are reused.
fn warm(store: &RocksKv) {
    let value = random(1 << 20);
    for number in 0..(store.options().write_buffer_bytes >> 20) * 8 {
        let mut batch = Batch::new();
        batch.put(b"warm".to_vec(), value.as_slice());
        let ticket = store.commit(&batch).unwrap();
        if number % 16 == 0 {
            store.wait_durable(ticket).unwrap();
        }
    }
    thread::sleep(std::time::Duration::from_secs(1));
}

fn lone(directory: &Path) {
    for (name, warmed) in [("first commits", false), ("later commits", true)] {
        let store = fresh(directory, &RocksOptions::default());
        if warmed {
            warm(&store);
        }
        let mut head = None;
        let (mut ordered, mut durable) = (Vec::new(), Vec::new());
        for txid in 0..8_000 {
            let (batch, next) = small(1, txid, head.take());
            let begun = Instant::now();
            let ticket = store.commit(&batch).unwrap();
            ordered.push(ns(begun));
            store.wait_durable(ticket).unwrap();
            durable.push(ns(begun));
            head = Some(next);
        }
        println!("{name}: ordered {}; durable {}", us(ordered), us(durable));
    }
    let store =
        fresh(directory, &RocksOptions { durability: Durability::Os, ..Default::default() });
    let mut head = None;
    let mut durable = Vec::new();
    for txid in 0..20_000 {
        let (batch, next) = small(1, txid, head.take());
        let begun = Instant::now();
        let ticket = store.commit(&batch).unwrap();
        store.wait_durable(ticket).unwrap();
        durable.push(ns(begun));
        head = Some(next);
    }
    println!("Os durability: {}", us(durable));
}

/// Counts down as commits become durable.
#[derive(Default)]
struct Flight {
    aloft: Mutex<usize>,
    landed: Condvar,
    times_ns: Mutex<Vec<u64>>,
}

fn fly(store: &RocksKv, flight: &Arc<Flight>, actors: u64, commits: u64, first_actor: u64) {
    let mut heads = vec![None; actors as usize];
    for number in 0..commits {
        let actor = number % actors;
        let (batch, next) = small(first_actor + actor, number, heads[actor as usize].take());
        {
            let aloft = flight.aloft.lock().unwrap();
            *flight.landed.wait_while(aloft, |aloft| *aloft >= actors as usize).unwrap() += 1;
        }
        let begun = Instant::now();
        let ticket = store.commit(&batch).unwrap();
        heads[actor as usize] = Some(next);
        let flight = Arc::clone(flight);
        store.on_durable(
            ticket,
            Box::new(move |outcome| {
                outcome.unwrap();
                flight.times_ns.lock().unwrap().push(ns(begun));
                *flight.aloft.lock().unwrap() -= 1;
                flight.landed.notify_one();
            }),
        );
    }
    let aloft = flight.aloft.lock().unwrap();
    drop(flight.landed.wait_while(aloft, |aloft| *aloft > 0).unwrap());
}

fn outstanding(directory: &Path) {
    for (actors, commits) in [(1, 5_000), (16, 100_000), (64, 300_000), (256, 300_000)] {
        let store = fresh(directory, &RocksOptions::default());
        warm(&store);
        let flight = Arc::new(Flight::default());
        let before = store.metrics();
        let begun = Instant::now();
        fly(&store, &flight, actors, commits, 0);
        let rate = commits as f64 / begun.elapsed().as_secs_f64();
        let after = store.metrics();
        let group = (after.synced_commits - before.synced_commits) as f64
            / (after.syncs - before.syncs) as f64;
        let times = std::mem::take(&mut *flight.times_ns.lock().unwrap());
        println!("{actors} outstanding: {rate:.0}/s, {group:.1} a sync, durable {}", us(times));
    }
}

fn waiters(directory: &Path) {
    for threads in [2_u64, 8, 64] {
        let store = fresh(directory, &RocksOptions::default());
        warm(&store);
        let commits = 60_000 / threads;
        let begun = Instant::now();
        thread::scope(|scope| {
            for actor in 0..threads {
                let store = &store;
                scope.spawn(move || {
                    let mut head = None;
                    for txid in 0..commits {
                        let (batch, next) = small(actor, txid, head.take());
                        let ticket = store.commit(&batch).unwrap();
                        store.wait_durable(ticket).unwrap();
                        head = Some(next);
                    }
                });
            }
        });
        let rate = (commits * threads) as f64 / begun.elapsed().as_secs_f64();
        println!("{threads} threads that wait: {rate:.0}/s");
    }
}

fn large(directory: &Path) {
    let bytes = 5 << 20;
    let data = random(bytes);
    for write_buffer_mib in [32, 64, 128] {
        for chunk_kib in [16, 32, 64, 256] {
            let options = RocksOptions {
                write_buffer_bytes: write_buffer_mib << 20,
                memory_budget_bytes: 512 << 20,
                ..Default::default()
            };
            let store = fresh(directory, &options);
            warm(&store);
            let (mut ordered, mut durable) = (Vec::new(), Vec::new());
            for txid in 0..60_u64 {
                let mut batch = Batch::new();
                for (chunk, value) in data.chunks(chunk_kib << 10).enumerate() {
                    let key = [b"D", txid.to_be_bytes().as_slice(), &chunk.to_be_bytes()].concat();
                    batch.put(key, value);
                }
                let begun = Instant::now();
                let ticket = store.commit(&batch).unwrap();
                ordered.push(ns(begun));
                store.wait_durable(ticket).unwrap();
                durable.push(ns(begun));
            }
            println!(
                "5 MiB, {chunk_kib} KiB values, {write_buffer_mib} MiB buffers: ordered {}; durable {}",
                us(ordered),
                us(durable)
            );
        }
    }
}

fn cold(directory: &Path) {
    const TOTAL: usize = 512 << 20;
    for chunk_kib in [4, 16, 32, 64, 128] {
        for bloom_bits_per_key in [0.0, 10.0] {
            let options = RocksOptions {
                bloom_bits_per_key,
                memory_budget_bytes: 16 << 20,
                write_buffer_bytes: 8 << 20,
                ..Default::default()
            };
            let store = fresh(directory, &options);
            let rows = (TOTAL / (chunk_kib << 10)) as u64;
            let value = random(chunk_kib << 10);
            let mut ticket = Ticket::ZERO;
            for row in 0..rows {
                let mut batch = Batch::new();
                batch.put(key_of(row, rows), value.as_slice());
                ticket = store.commit(&batch).unwrap();
            }
            store.wait_durable(ticket).unwrap();
            drop(store);
            let store = RocksKv::open(directory, &options).unwrap();
            thread::sleep(std::time::Duration::from_secs(2));
            let mut rng = fastrand::Rng::with_seed(1);
            let mut page = [0; 4096];
            let (mut found, mut absent) = (Vec::new(), Vec::new());
            for _ in 0..20_000 {
                let key = key_of(rng.u64(0..rows), rows);
                let begun = Instant::now();
                let snapshot = store.snapshot().unwrap();
                let there = snapshot
                    .get(&key, &mut |value| page.copy_from_slice(&value[value.len() - 4096..]))
                    .unwrap();
                assert!(there);
                found.push(ns(begun));
                hint::black_box(&page);
                let missing = [key.as_slice(), b"/none"].concat();
                let begun = Instant::now();
                assert!(!store.snapshot().unwrap().get(&missing, &mut |_| {}).unwrap());
                absent.push(ns(begun));
            }
            println!(
                "4 KiB out of {chunk_kib} KiB, bloom {bloom_bits_per_key}: {}; absent key: {}",
                us(found),
                us(absent)
            );
        }
    }
}

/// A permutation, so that the rows are not written in key order.
fn key_of(row: u64, rows: u64) -> Vec<u8> {
    let spread = row.wrapping_mul(0x9e37_79b9_7f4a_7c15 | 1) % (rows * 1_000);
    [b"\x02actor/", spread.to_be_bytes().as_slice(), &row.to_be_bytes()].concat()
}

/// Reclaim as the engine does it: range deletes of a few rows each, between commits and reads.
fn ranges(directory: &Path) {
    let store = fresh(directory, &RocksOptions::default());
    let (mut deletes, mut reads) = (Vec::new(), Vec::new());
    let row = |txid: u64, chunk: u64| {
        [b"D", txid.to_be_bytes().as_slice(), &chunk.to_be_bytes()].concat()
    };
    for txid in 0..20_000_u64 {
        let mut batch = Batch::new();
        for chunk in 0..3 {
            batch.put(row(txid, chunk), random(200));
        }
        store.commit(&batch).unwrap();
        if txid >= 64 {
            let mut batch = Batch::new();
            batch.delete_range(row(txid - 64, 0), row(txid - 63, 0));
            let begun = Instant::now();
            store.commit(&batch).unwrap();
            deletes.push(ns(begun));
        }
        let begun = Instant::now();
        store.snapshot().unwrap().get(&row(txid.saturating_sub(10), 1), &mut |_| {}).unwrap();
        reads.push(ns(begun));
    }
    println!("range delete of 3 rows: {}; get beside it: {}", us(deletes), us(reads));
}

/// A row and a share of one counter that all writers have, with as many threads as given.
fn counters(directory: &Path) {
    for threads in [1_u64, 8, 64] {
        for (name, shared) in [("no counter", 0), ("a put to a row of its own", 1), ("an add", 2)] {
            let store = fresh(directory, &RocksOptions::default());
            let commits = 160_000 / threads;
            let begun = Instant::now();
            let times = Mutex::new(Vec::new());
            thread::scope(|scope| {
                for actor in 0..threads {
                    let (store, times) = (&store, &times);
                    scope.spawn(move || {
                        let mut head = None;
                        let mut ordered = Vec::new();
                        for txid in 0..commits {
                            let (mut batch, next) = small(actor, txid, head.take());
                            match shared {
                                0 => {}
                                1 => drop(batch.put(actor.to_be_bytes().to_vec(), vec![1; 16])),
                                _ => drop(batch.add(b"usage".to_vec(), vec![1, 600])),
                            }
                            let begun = Instant::now();
                            store.commit(&batch).unwrap();
                            ordered.push(ns(begun));
                            head = Some(next);
                        }
                        times.lock().unwrap().extend(ordered);
                    });
                }
            });
            let rate = (commits * threads) as f64 / begun.elapsed().as_secs_f64();
            let snapshot = store.snapshot().unwrap();
            let begun = Instant::now();
            snapshot.get(b"usage", &mut |_| {}).unwrap();
            let read = ns(begun) / 1_000;
            let times = us(times.into_inner().unwrap());
            println!("{threads} threads, {name}: {rate:.0}/s, ordered {times}; get {read} µs");
        }
    }
}

/// Bytes of a directory's files, by the end of their names.
fn bytes_of(directory: &Path, extension: &str) -> u64 {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    files
        .filter(|file| file.path().extension().is_some_and(|found| found == extension))
        // A file may be removed meanwhile.
        .map(|file| file.metadata().map_or(0, |metadata| metadata.len()))
        .sum()
}

fn mib_on_disk(directory: &Path) -> String {
    let [tables, logs] = ["sst", "log"].map(|extension| bytes_of(directory, extension) >> 20);
    format!("{tables} MiB of tables, {logs} MiB of logs")
}

/// The most memory the process ever had, which is why this is best picked alone.
fn memory_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) >> 10
}

fn streamed_key(batch: u64, row: usize) -> Vec<u8> {
    [b"S", batch.to_be_bytes().as_slice(), &row.to_be_bytes()].concat()
}

/// A transaction of 2 GiB on its way to the store: values of 32 KiB in batches of 16 MiB.
fn stream_in(store: &RocksKv) {
    let data = random(16 << 20);
    let mut ticket = Ticket::ZERO;
    for batch_number in 0..128_u64 {
        let mut batch = Batch::new();
        for (row, value) in data.chunks(32 << 10).enumerate() {
            batch.put(streamed_key(batch_number, row), value);
        }
        ticket = store.commit(&batch).unwrap();
    }
    store.wait_durable(ticket).unwrap();
}

fn streamed(directory: &Path, memory_budget_bytes: usize) {
    let options = RocksOptions {
        memory_budget_bytes,
        write_buffer_bytes: (memory_budget_bytes / 4).min(64 << 20),
        ..Default::default()
    };
    let store = fresh(directory, &options);
    let before = memory_mib();
    let begun = Instant::now();
    stream_in(&store);
    let took = begun.elapsed().as_secs_f64();
    println!(
        "2 GiB with a budget of {} MiB: {took:.1} s, at most {} MiB of memory ({before} before), {}",
        memory_budget_bytes >> 20,
        memory_mib(),
        mib_on_disk(directory)
    );
    thread::sleep(std::time::Duration::from_secs(5));
    println!("5 s later: {}", mib_on_disk(directory));
}

fn stream(directory: &Path) {
    streamed(directory, RocksOptions::default().memory_budget_bytes);
}

fn stream_with_64_mib(directory: &Path) {
    streamed(directory, 64 << 20);
}

/// What is left on the disk after 1 GiB of 2 was deleted, row by row or as a range.
fn given_back(directory: &Path) {
    for (name, singly) in [("row by row", true), ("as a range", false)] {
        let store = fresh(directory, &RocksOptions::default());
        stream_in(&store);
        thread::sleep(std::time::Duration::from_secs(5));
        println!("2 GiB written: {}", mib_on_disk(directory));
        for number in 0..64_u64 {
            let mut batch = Batch::new();
            let key = |row| streamed_key(number, row);
            if singly {
                (0..512).for_each(|row| {
                    batch.delete(key(row));
                });
            } else {
                batch.delete_range(key(0), key(512));
            }
            store.commit(&batch).unwrap();
        }
        store.give_back().unwrap();
        for seconds in [1, 4] {
            thread::sleep(std::time::Duration::from_secs(seconds));
            println!("half deleted {name}, {seconds} s more: {}", mib_on_disk(directory));
        }
    }
}

fn open_and_close(directory: &Path) {
    let options = RocksOptions::default();
    drop(fresh(directory, &options));
    let (mut opened, mut closed) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        let begun = Instant::now();
        let store = RocksKv::open(directory, &options).unwrap();
        opened.push(ns(begun));
        let begun = Instant::now();
        drop(store);
        closed.push(ns(begun));
    }
    println!("open {}; close {}", us(opened), us(closed));
}
