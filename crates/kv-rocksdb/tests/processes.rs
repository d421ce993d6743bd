//! What other processes see: who holds the store, and what a killed holder leaves.
//!
//! `KILLS` sets how often one is killed for each durability.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use actor_sqlite_kv::{Batch, Durability, Kv, KvError, Scan};
use actor_sqlite_kv_rocksdb::{RocksKv, RocksOptions};

const PATH: &str = "KV_ROCKSDB_CHILD_PATH";
const SEED: &str = "KV_ROCKSDB_CHILD_SEED";
const OS: &str = "KV_ROCKSDB_CHILD_OS";
const WRITERS: u64 = 4;
const KILLS: u64 = 60;
/// After so many kills the next store is taken.
const STORE_KILLS: u64 = 20;

fn options(durability: Durability) -> RocksOptions {
    // Small, so that kills also strike flushes, compactions and changes of the log.
    RocksOptions {
        durability,
        write_buffer_bytes: 256 << 10,
        memory_budget_bytes: 4 << 20,
        ..Default::default()
    }
}

/// Starts this very test binary as the child.
fn spawn(path: &Path, seed: u64, durability: Durability) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(PATH, path)
        .env(SEED, seed.to_string())
        .env(OS, if durability == Durability::Os { "1" } else { "0" })
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody listens any more when the parent has failed.
    let _ = writeln!(out, "\n{line}").and_then(|()| out.flush());
}

/// Not a test of its own: the body of the child.
#[test]
fn child() {
    let Ok(path) = std::env::var(PATH) else { return };
    let seed: u64 = std::env::var(SEED).unwrap().parse().unwrap();
    let os = std::env::var(OS).unwrap() == "1";
    let durability = if os { Durability::Os } else { Durability::Disk };
    let store = RocksKv::open(Path::new(&path), &options(durability)).unwrap();
    say("OPEN");
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = &store;
            scope.spawn(move || write_for_ever(store, seed, writer));
        }
    });
}

/// Batches with an id and several rows; the id is said when it is durable, by either way.
fn write_for_ever(store: &RocksKv, seed: u64, writer: u64) {
    let mut rng = fastrand::Rng::with_seed(seed ^ writer << 56);
    for count in 0.. {
        let id = seed << 32 | writer << 24 | count;
        let rows = rng.u8(1..6);
        let mut batch = Batch::new();
        for row in 0..rows {
            let bytes = if rng.u8(0..20) == 0 { rng.usize(0..100_000) } else { rng.usize(0..600) };
            let mut value = vec![row; bytes + 1];
            value[0] = rows;
            batch.put([id.to_be_bytes().as_slice(), &[row]].concat(), value);
        }
        let ticket = store.commit(&batch).unwrap();
        if rng.bool() {
            store.wait_durable(ticket).unwrap();
            say(&format!("ACK {id}"));
        } else {
            store.on_durable(
                ticket,
                Box::new(move |outcome| {
                    outcome.unwrap();
                    say(&format!("ACK {id}"));
                }),
            );
            if rng.u8(0..4) == 0 {
                store.wait_durable(ticket).unwrap();
            }
        }
    }
}

/// Kills the child after it has acknowledged so many, and returns all it acknowledged.
fn kill_after(mut child: Child, acks_wanted: usize) -> HashSet<u64> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acked = HashSet::new();
    let mut killed = false;
    // A last line that the kill cut short is not whole, so it cannot be taken for an answer
    // unless its number is whole: lines begin with the line break of the one before.
    let mut previous: Option<String> = None;
    while let Some(Ok(line)) = lines.next() {
        if let Some(id) = previous.replace(line).and_then(|line| ack(&line)) {
            acked.insert(id);
        }
        if acked.len() >= acks_wanted && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    assert!(killed, "the child ended by itself");
    acked
}

fn ack(line: &str) -> Option<u64> {
    line.strip_prefix("ACK ")?.parse().ok()
}

/// The rows there are for each id, and how many there should be.
fn batches_in(store: &RocksKv) -> HashMap<u64, (u8, u8)> {
    let mut batches: HashMap<u64, (u8, u8)> = HashMap::new();
    let scan = Scan { start: b"", end: &[0xff; 10], limit: usize::MAX, reverse: false };
    store
        .snapshot()
        .unwrap()
        .scan(scan, &mut |key, value| {
            let id = u64::from_be_bytes(key[..8].try_into().unwrap());
            let batch = batches.entry(id).or_insert((0, value[0]));
            batch.0 += 1;
            assert!(value[1..].iter().all(|byte| *byte == key[8]), "a row with other bytes");
            ControlFlow::Continue(())
        })
        .unwrap();
    batches
}

fn kill_loop(durability: Durability) {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let kills = std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let mut directory = tempfile::tempdir().unwrap();
    let mut acked = HashSet::new();
    for kill in 0..kills {
        if kill % STORE_KILLS == 0 {
            // A store that grows for ever would be read for ever.
            directory = tempfile::tempdir().unwrap();
            acked.clear();
        }
        let child = spawn(directory.path(), kill, durability);
        acked.extend(kill_after(child, rng.usize(1..300)));
        let store = RocksKv::open(directory.path(), &options(durability)).unwrap();
        let found = batches_in(&store);
        for (id, (rows, expected)) in &found {
            assert_eq!(rows, expected, "kill {kill}: batch {id:x} is torn");
        }
        for id in &acked {
            assert!(
                found.contains_key(id),
                "kill {kill}: batch {id:x} was acknowledged and is lost"
            );
        }
    }
    eprintln!("{kills} kills, {} batches acknowledged by the last, none lost or torn", acked.len());
}

#[test]
fn a_killed_process_loses_nothing_acknowledged() {
    kill_loop(Durability::Disk);
}

#[test]
fn a_killed_process_loses_nothing_acknowledged_with_os_durability() {
    kill_loop(Durability::Os);
}

#[test]
fn a_second_process_is_told_who_holds_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = spawn(directory.path(), 0, Durability::Disk);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while lines.next().unwrap().unwrap() != "OPEN" {}
    let Err(KvError::InUse { path, holder }) =
        RocksKv::open(directory.path(), &options(Durability::Disk))
    else {
        panic!("opened a store that another process holds");
    };
    assert!(holder.starts_with(&format!("process {} ", child.id())), "{holder}");
    assert!(Path::new(&path).ends_with(directory.path().file_name().unwrap()), "{path}");
    child.kill().unwrap();
    child.wait().unwrap();
    // The lock ended with its holder, whatever its file says.
    drop(RocksKv::open(directory.path(), &options(Durability::Disk)).unwrap());
}
