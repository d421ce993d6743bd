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
    /// Starts it; nothing runs at a rate of 0.
    pub fn start(engine: Arc<Engine>, bytes_per_second: u64) -> Self {
        let findings = Arc::new(Mutex::new(Findings::default()));
        let told = Arc::clone(&findings);
        let thread = (bytes_per_second > 0).then(|| {
            Stoppable::start("actor-sqlite-scrub", move |stop| {
                if !stop.wait(FIRST) {
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
    damage.extend(report.damage.into_iter().map(|(actor, row)| NativeDamage::new(&actor, row)));
    let surplus = damage.len().saturating_sub(DAMAGE_MAX);
    damage.drain(..surplus);
}
