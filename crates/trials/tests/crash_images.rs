//! A crash at every boundary of the key-value store: whatever prefix of its log survives, SQLite
//! finds exactly one of the states that were committed, no older than the last acknowledged one.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use actor_sqlite_kv::{FaultKv, Image, Kv, MemKv, SyncMode, Ticket};
use actor_sqlite_pagestore::{ActorId, PageStoreAdmin};
use actor_sqlite_session::{Action, Durability, OpenOptions};
use actor_sqlite_trials::{Oracle, Stack, StackOptions, TickingClock, Workload, seed};

/// What the database held once all up to `ticket` was ordered.
struct State {
    ticket: Ticket,
    dump: Arc<Vec<String>>,
}

struct History {
    kv: Arc<FaultKv>,
    states: Vec<State>,
    /// The highest ticket that was ordered when a program was told "durable".
    acknowledged: Vec<(usize, Ticket)>,
}

fn actor() -> ActorId {
    ActorId::new("trials", "crash").unwrap()
}

fn stack(kv: Arc<dyn Kv>) -> Stack {
    Stack::new(kv, Arc::new(TickingClock::default()), StackOptions::default())
}

fn ordered(kv: &FaultKv) -> Ticket {
    kv.boundaries().last().unwrap().ordered
}

/// Runs a workload without waiting for durability, with compactions, reopenings and now and then a
/// wait, and notes each state it went through.
fn run(seed: u64, steps: u32) -> History {
    let kv = Arc::new(FaultKv::with(Image::default(), SyncMode::OnDemand, MemKv::LIMITS));
    let stack = stack(kv.clone());
    let gated = || OpenOptions { durability: Durability::Gated, ..OpenOptions::default() };
    let (oracle, mut workload) = (Oracle::default(), Workload::new(seed));
    let mut rng = fastrand::Rng::with_seed(seed ^ 1);
    let mut history = History { kv: kv.clone(), states: Vec::new(), acknowledged: Vec::new() };
    let mut db = stack.open(&actor(), gated()).unwrap();
    history.states.push(State { ticket: ordered(&kv), dump: Arc::new(oracle.dump()) });
    for _ in 0..steps {
        let script = workload.next_script();
        oracle.script(&script).unwrap();
        db.script(&script).unwrap();
        history.states.push(State { ticket: ordered(&kv), dump: Arc::new(oracle.dump()) });
        match rng.u32(..12) {
            0 => {
                db.ask(Action::Durable).unwrap();
                history.acknowledged.push((kv.boundaries().len() - 1, ordered(&kv)));
            }
            1 | 2 => {
                stack.engine.compact(&actor()).unwrap();
            }
            3 => {
                db.close().unwrap();
                db = stack.open(&actor(), gated()).unwrap();
            }
            _ => {}
        }
    }
    assert_eq!(db.dump().unwrap(), oracle.dump(), "the live database and stock SQLite agree");
    db.close().unwrap();
    history
}

#[test]
fn every_crash_leaves_a_committed_state_and_every_acknowledged_one() {
    let seed = seed("crash_images");
    let (mut images, mut twice) = (0, 0);
    for round in 0..3 {
        let history = run(seed.wrapping_add(round), 60);
        let boundaries = history.kv.boundaries().len();
        for boundary in 0..boundaries {
            for crash in history.kv.crash_images_at(boundary) {
                let acknowledged = history
                    .acknowledged
                    .iter()
                    .rev()
                    .find(|(at, _)| *at <= boundary)
                    .map_or(Ticket::ZERO, |(_, ticket)| *ticket);
                assert!(crash.kept >= acknowledged, "a durable answer was given too early");
                let expected = history.states.iter().rev().find(|state| state.ticket <= crash.kept);
                // The store as recovered, and again as a crash right after recovery leaves it.
                let kv = crash.open();
                for _ in 0..2 {
                    let recovered = stack(kv.clone());
                    let db = recovered.open(&actor(), OpenOptions::default()).unwrap();
                    let dump = db.dump().unwrap();
                    match expected {
                        Some(state) => assert_eq!(dump, *state.dump, "boundary {boundary}"),
                        None => assert_eq!(dump, Oracle::default().dump(), "boundary {boundary}"),
                    }
                    db.close().unwrap();
                    let report = recovered.engine.verify(&actor()).unwrap();
                    assert_eq!(report.damage, [], "boundary {boundary}");
                    twice += 1;
                }
                images += 1;
            }
        }
    }
    println!("crash images: {images}, recoveries: {twice}, failures: 0");
    assert!(images > 300, "the workload had too few boundaries to say anything: {images}");
}
