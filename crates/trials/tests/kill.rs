//! kill -9 of a process in the middle of writing to RocksDB, again and again on one store: every
//! acknowledged transaction is there, at most the one under way is more, none is torn.
//!
//! `KILLS` sets how often.

#![allow(clippy::unwrap_used, missing_docs)]

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use actor_sqlite_trials::{ledger, ledger::Ledger, seed};

const ACTORS: usize = 12;

/// Starts a writer, kills it after a while, and returns the last acknowledged entry of each actor.
fn killed_writer(dir: &std::path::Path, run_ms: u64) -> [u32; ACTORS] {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trial_writer"))
        .arg(dir)
        .arg(ACTORS.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut reports = Vec::new();
        stdout.read_to_end(&mut reports).unwrap();
        reports
    });
    std::thread::sleep(Duration::from_millis(run_ms));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut last = [0; ACTORS];
    for report in reader.join().unwrap().chunks_exact(8) {
        let actor = u32::from_le_bytes(report[..4].try_into().unwrap());
        last[actor as usize] = u32::from_le_bytes(report[4..].try_into().unwrap());
    }
    last
}

#[test]
fn a_killed_process_loses_nothing_acknowledged() {
    let seed = seed("kill");
    let mut rng = fastrand::Rng::with_seed(seed);
    let kills: u32 = std::env::var("KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(80);
    let dir = tempfile::tempdir().unwrap();
    let mut known = [0_u32; ACTORS];
    let (mut acknowledged, mut unacknowledged) = (0, 0);
    for kill in 0..kills {
        let reported = killed_writer(dir.path(), rng.u64(30..150));
        let stack = ledger::stack(dir.path()).unwrap();
        for (actor, known) in known.iter_mut().enumerate() {
            let floor = reported[actor].max(*known);
            let ledger = Ledger::open(&stack, actor as u32).unwrap();
            let wrong = ledger.check(floor).unwrap();
            assert_eq!(wrong, [] as [String; 0], "kill {kill}, actor {actor}");
            let last = ledger.last().unwrap();
            acknowledged += floor - *known;
            unacknowledged += last - floor;
            *known = last;
        }
    }
    println!(
        "kills: {kills}, transactions acknowledged: {acknowledged}, lost: 0, finished but not \
         acknowledged: {unacknowledged}"
    );
    assert!(acknowledged > kills * 2, "the writers hardly wrote: {acknowledged}");
}
