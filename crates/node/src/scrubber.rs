//! The thread that reads a store through for damage, at a set rate.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actor_sqlite_engine::{Engine, ScrubCursor, ScrubReport};
use napi_derive::napi;

use crate::admin::NativeDamage;
use crate::stop::{Stop, Stoppable};

/// A store that was just opened has other things to do.
const FIRST: Duration = Duration::from_secs(60);

/// How long to wait between two rounds over the whole store, and after a failure.
const PAUSE: Duration = Duration::from_secs(60);

/// The shortest wait between two rows.
const WAIT_MIN: Duration = Duration::from_millis(10);

/// How many damaged rows are remembered: the last ones that were found.
const DAMAGE_MAX: usize = 1000;

/// What the scrubber of a store has done.
#[napi(object)]
#[derive(Clone, Debug, Default)]
pub struct ScrubMetrics {
    /// Times the whole store was read through.
    pub rounds: f64,
    /// Databases looked at.
    pub databases: f64,
    /// Rows read.
    pub rows: f64,
    /// Their keys and values, in bytes.
    pub bytes: f64,
    /// Pages decoded and checked.
    pub pages: f64,
    /// Damaged rows found; one that stays is found once a round.
    pub damaged: f64,
    /// Calls of the store that failed.
    pub failures: f64,
}

#[derive(Default)]
struct Findings {
    metrics: ScrubMetrics,
    damage: VecDeque<NativeDamage>,
}

/// The scrubber of a store.
pub struct Scrubber {
    thread: Option<Stoppable>,
    findings: Arc<Mutex<Findings>>,
}

impl Scrubber {
    /// Starts it, to begin when a store has come to rest; nothing runs at a rate of 0.
    pub fn start(engine: Arc<Engine>, bytes_per_second: u64) -> Self {
        Self::start_after(FIRST, engine, bytes_per_second)
    }

    fn start_after(first: Duration, engine: Arc<Engine>, bytes_per_second: u64) -> Self {
        let findings = Arc::new(Mutex::new(Findings::default()));
        let told = Arc::clone(&findings);
        let thread = (bytes_per_second > 0).then(|| {
            Stoppable::start("actor-sqlite-scrub", move |stop| {
                if !stop.wait(first) {
                    run(&engine, bytes_per_second, &told, stop);
                }
            })
        });
        Self { thread, findings }
    }

    /// Ends it and waits for that.
    pub fn stop(&self) {
        if let Some(thread) = &self.thread {
            thread.stop();
        }
    }

    /// Its counters.
    pub fn metrics(&self) -> ScrubMetrics {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner).metrics.clone()
    }

    /// The damaged rows that were found last, oldest first.
    pub fn damage(&self) -> Vec<NativeDamage> {
        let findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.damage.iter().cloned().collect()
    }
}

fn run(engine: &Engine, bytes_per_second: u64, findings: &Mutex<Findings>, stop: &Stop) {
    let mut cursor = ScrubCursor::default();
    loop {
        let mut pace = Pace { bytes_per_second, owed: 0, stop };
        let part = catch_unwind(AssertUnwindSafe(|| {
            engine.scrub(&cursor, bytes_per_second, &mut |bytes| pace.read(bytes))
        }));
        let wait = match part {
            Ok(Ok(report)) => {
                let ended = report.next.round > cursor.round;
                cursor = report.next.clone();
                enter(findings, report, ended);
                if ended { PAUSE } else { pace.worth() }
            }
            _ => {
                findings.lock().unwrap_or_else(PoisonError::into_inner).metrics.failures += 1.0;
                PAUSE
            }
        };
        if stop.wait(wait) {
            return;
        }
    }
}

/// Waits for as long as what was read is worth, a part of a second at a time.
struct Pace<'a> {
    bytes_per_second: u64,
    /// Bytes that were not waited for yet.
    owed: u64,
    stop: &'a Stop,
}

impl Pace<'_> {
    fn worth(&self) -> Duration {
        Duration::from_secs_f64(self.owed as f64 / self.bytes_per_second as f64)
    }

    fn read(&mut self, bytes: u64) -> ControlFlow<()> {
        self.owed += bytes;
        if self.worth() >= WAIT_MIN {
            if self.stop.wait(self.worth()) {
                return ControlFlow::Break(());
            }
            self.owed = 0;
        }
        ControlFlow::Continue(())
    }
}

fn enter(findings: &Mutex<Findings>, report: ScrubReport, ended: bool) {
    let mut findings = findings.lock().unwrap_or_else(PoisonError::into_inner);
    let Findings { metrics, damage } = &mut *findings;
    metrics.rounds += f64::from(u8::from(ended));
    metrics.databases += report.databases as f64;
    metrics.rows += report.rows as f64;
    metrics.bytes += report.bytes as f64;
    metrics.pages += report.pages as f64;
    metrics.damaged += report.damage.len() as f64;
    for (actor, row) in report.damage {
        let found = NativeDamage::new(&actor, row);
        // A row that stays damaged is found in each round.
        if !damage.contains(&found) {
            damage.push_back(found);
        }
    }
    let surplus = damage.len().saturating_sub(DAMAGE_MAX);
    damage.drain(..surplus);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actor_sqlite_engine::EngineOptions;
    use actor_sqlite_kv::{Batch, Kv, MemKv, Scan};
    use actor_sqlite_ltx::{Pgno, Txid};
    use actor_sqlite_pagestore::{ActorId, ClaimOptions, CommitId, CommitRequest, PageStore};

    use super::*;
    use crate::clock::SystemClock;

    fn engine_with(names: &[&str]) -> (Arc<MemKv>, Arc<Engine>) {
        let kv = Arc::new(MemKv::default());
        let clock = Arc::new(SystemClock::new());
        let engine = Arc::new(Engine::new(Arc::clone(&kv) as _, clock, EngineOptions::default()));
        for name in names {
            let actor = ActorId::new("rooms", name).unwrap();
            let claim = engine.claim(&actor, &ClaimOptions::new("test")).unwrap();
            let page = vec![7; 4096];
            let request = CommitRequest {
                commit_id: CommitId { generation: claim.lease.generation(), sequence: 1 },
                expected_head: Txid::ZERO,
                pages: &[(Pgno::ONE, &page)],
                size: 1,
                staged: false,
                frees: false,
            };
            engine.commit(&claim.lease, &request).unwrap();
        }
        (kv, engine)
    }

    /// Flips a bit of the first row whose key holds `part`.
    fn damage(kv: &MemKv, part: &[u8]) {
        let mut rows = Vec::new();
        let all = Scan { start: &[], end: &[0xff], limit: usize::MAX, reverse: false };
        let snapshot = kv.snapshot().unwrap();
        snapshot
            .scan(all, &mut |key, value| {
                rows.push((key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            })
            .unwrap();
        let found = rows.into_iter().find(|(key, _)| key.windows(part.len()).any(|at| at == part));
        let (key, mut value) = found.unwrap();
        let middle = value.len() / 2;
        value[middle] ^= 1;
        let mut batch = Batch::new();
        batch.put(key, value);
        kv.commit(&batch).unwrap();
    }

    #[test]
    fn damage_is_found_and_named_in_the_background() {
        let (kv, engine) = engine_with(&["one", "two", "three"]);
        damage(&kv, b"two\0DELTA");
        let scrubber = Scrubber::start_after(Duration::ZERO, engine, 1 << 30);
        // Waits for what has to come; the test's own patience is the only clock in it.
        while scrubber.metrics().rounds < 1.0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        scrubber.stop();
        let [found] = &scrubber.damage()[..] else { panic!("{:?}", scrubber.damage()) };
        assert_eq!((&*found.namespace, &*found.actor), ("rooms", "two"));
        assert!(found.row.starts_with("DELTA 1"), "{found:?}");
        let metrics = scrubber.metrics();
        assert_eq!((metrics.databases, metrics.damaged), (3.0, 1.0));
        assert!(metrics.rows >= 15.0 && metrics.bytes > 1000.0, "{metrics:?}");
    }

    #[test]
    fn a_slow_scrubber_ends_when_it_is_told_to() {
        let (_, engine) = engine_with(&["one", "two", "three"]);
        let scrubber = Scrubber::start_after(Duration::ZERO, engine, 1);
        scrubber.stop();
        assert!(scrubber.damage().is_empty());
    }
}
