//! What a commit of a mild database takes, quiet and beside a hot one, over the store in memory.
//!
//! `cargo run --release -p actor-sqlite-engine --example storm [databases] [rounds]`

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actor_sqlite_engine::{Engine, EngineMetrics, EngineOptions, MaintenanceBudget};
use actor_sqlite_kv::MemKv;
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{
    ActorId, ClaimOptions, Clock, CommitId, CommitRequest, Head, Lease, PageStore, StoreError,
};

struct MachineClock(Instant);

impl Clock for MachineClock {
    fn now_ms(&self) -> i64 {
        self.0.elapsed().as_millis() as i64
    }

    fn monotonic_ns(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// An owner that overwrites one page after the other.
struct Owner {
    lease: Lease,
    head: Head,
    sequence: u64,
}

impl Owner {
    fn claim(engine: &Engine, name: &str, size: u32) -> Result<Self, Box<dyn Error>> {
        let claim = engine.claim(&ActorId::new("storm", name)?, &ClaimOptions::new("example"))?;
        let mut owner = Self { lease: claim.lease, head: claim.head, sequence: 0 };
        owner.commit(engine, (1..=size).collect::<Vec<_>>().as_slice(), size)?;
        Ok(owner)
    }

    fn commit(&mut self, engine: &Engine, numbers: &[u32], size: u32) -> Result<u32, StoreError> {
        self.sequence += 1;
        let mut page = vec![0_u8; self.head.page_size.bytes()];
        for (at, byte) in page.iter_mut().enumerate() {
            *byte = (at as u64 / 16 * self.sequence) as u8;
        }
        let pages: Vec<(Pgno, &[u8])> =
            numbers.iter().map(|&number| (Pgno::new_saturating(number), &page[..])).collect();
        let committed = engine.commit(
            &self.lease,
            &CommitRequest {
                commit_id: CommitId {
                    generation: self.lease.generation(),
                    sequence: self.sequence,
                },
                expected_head: self.head.txid,
                pages: &pages,
                size,
                staged: false,
                frees: false,
            },
        )?;
        self.head = committed.head;
        Ok(committed.back_off_us)
    }

    fn commit_next(&mut self, engine: &Engine) -> Result<u32, StoreError> {
        let size = self.head.size;
        self.commit(engine, &[1 + (self.sequence as u32 * 7) % size], size)
    }
}

fn quantiles(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_nanos() / 1_000;
    let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
    println!("{what:<28} p50 {p50:>6} us  p99 {p99:>6} us  max {max:>7} us  n {}", times.len());
}

/// Commits to all mild databases in turn.
fn mild_rounds(
    engine: &Engine,
    mild: &mut [Owner],
    rounds: usize,
) -> Result<Vec<Duration>, StoreError> {
    let mut times = Vec::with_capacity(rounds * mild.len());
    for _ in 0..rounds {
        for owner in mild.iter_mut() {
            let begun = Instant::now();
            owner.commit_next(engine)?;
            times.push(begun.elapsed());
            std::thread::sleep(Duration::from_micros(20));
        }
    }
    Ok(times)
}

/// Commits to one database without pause, but for the back-offs it is asked to keep.
fn storm(
    engine: &Engine,
    hot: &mut Owner,
    running: &AtomicBool,
) -> Result<Vec<Duration>, StoreError> {
    let mut times = Vec::new();
    while running.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let back_off_us = hot.commit_next(engine)?;
        times.push(begun.elapsed());
        if back_off_us > 0 {
            std::thread::sleep(Duration::from_micros(u64::from(back_off_us)));
        }
    }
    Ok(times)
}

fn report(what: &str, now: &EngineMetrics, before: &EngineMetrics) {
    let mean_us = |ns: u64, count: u64| ns / count.max(1) / 1_000;
    let turns = now.turns - before.turns;
    println!(
        "{what:<28} {} compactions, {} turns of {} us in the mean (longest {} us), {} held back, \
         {} delayed",
        now.compactions - before.compactions,
        turns,
        mean_us(now.turn_ns - before.turn_ns, turns),
        now.turn_ns_max / 1_000,
        now.commits_held_back - before.commits_held_back,
        now.commits_delayed - before.commits_delayed,
    );
    let written = now.compaction_bytes - before.compaction_bytes;
    let committed = now.commit_bytes - before.commit_bytes;
    println!(
        "{:<28} {:.2} bytes compacted a byte committed, {} wasted, {} deltas open, {} waiting",
        "",
        written as f64 / committed.max(1) as f64,
        now.compaction_wasted_bytes - before.compaction_wasted_bytes,
        now.open_deltas,
        now.compaction_queue,
    );
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let databases = arguments.next().map_or(Ok(1_000), |number| number.parse::<usize>())?;
    let rounds = arguments.next().map_or(Ok(100), |number| number.parse::<usize>())?;
    let clock = Arc::new(MachineClock(Instant::now()));
    let engine = Engine::new(Arc::new(MemKv::new()), clock, EngineOptions::default());
    let mut mild = (0..databases)
        .map(|at| Owner::claim(&engine, &format!("mild{at}"), 10))
        .collect::<Result<Vec<_>, _>>()?;
    let mut hot = Owner::claim(&engine, "hot", 2_000)?;
    let (working, running) = (AtomicBool::new(true), AtomicBool::new(true));
    std::thread::scope(|scope| -> Result<(), StoreError> {
        scope.spawn(|| {
            while working.load(Ordering::Relaxed) {
                if engine.maintain(MaintenanceBudget::default()).compactions == 0 {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        let start = engine.metrics();
        let quiet = mild_rounds(&engine, &mut mild, rounds);
        let middle = engine.metrics();
        let storming = scope.spawn(|| storm(&engine, &mut hot, &running));
        let beside = mild_rounds(&engine, &mut mild, rounds);
        running.store(false, Ordering::Relaxed);
        let hot = storming.join();
        let end = engine.metrics();
        working.store(false, Ordering::Relaxed);
        quantiles("mild, quiet", quiet?);
        quantiles("mild, beside the hot one", beside?);
        if let Ok(hot) = hot {
            quantiles("hot", hot?);
        }
        report("quiet", &middle, &start);
        report("storm", &end, &middle);
        Ok(())
    })?;
    Ok(())
}
