//! The threads that run the sessions of a process.
//!
//! Sessions are tasks: one is in the queue at most once, runs for a slice and goes to the back.
//! `threads` places say how many run at once. A thread that stands still (in the store, at a sync,
//! in a long statement) lends its place, so that a stand-in can take up what waits.

mod idle;
mod place;
mod pool;
mod watchdog;

use std::sync::{Arc, Weak};

use actor_sqlite_pagestore::Clock;

use crate::gate::Gate;

pub use idle::SleepMetrics;
pub(crate) use idle::{Doze, SleepCounters};
pub(crate) use place::without_place;
use pool::Shared;
pub(crate) use pool::Turn;

/// How an [`Executor`] runs.
#[derive(Clone)]
pub struct ExecutorOptions {
    /// How many threads run at once; the number of cores is a good choice. At least 1.
    pub threads: usize,
    /// How many threads there are at most, with those that stand in for threads that wait for the
    /// store. At least `threads`.
    pub threads_max: usize,
    /// How many sessions may have a connection at a time. Beyond that, those go to sleep first that
    /// were used longest ago; what holds a session awake goes before.
    pub awake_max: usize,
    /// Time, for the length of slices, idle sessions and the deadlines of transactions.
    pub clock: Arc<dyn Clock>,
}

impl ExecutorOptions {
    /// What [`Self::awake_max`] is by default.
    pub const AWAKE_MAX: usize = 4096;
}

/// What an executor has done and is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExecutorMetrics {
    /// Threads alive.
    pub threads: usize,
    /// Threads that hold a place.
    pub running: usize,
    /// Threads without work.
    pub parked: usize,
    /// Sessions that wait for a thread.
    pub queue_depth: usize,
    /// Threads ever started.
    pub threads_started: u64,
    /// Slices run.
    pub slices: u64,
    /// Times a thread that stood still, or waited for a slow store, lent its place.
    pub places_lent: u64,
    /// Syncs of the store done in place by a thread without other work.
    pub syncs_in_place: u64,
    /// Panics caught outside a session.
    pub panics: u64,
}

/// A pool of threads shared by sessions. Threads start when there is work for them.
///
/// Dropping it shuts it down.
pub struct Executor {
    shared: Arc<Shared>,
}

/// What a slice left to do.
pub(crate) struct Slice {
    /// There is more: to the back of the queue.
    pub(crate) again: bool,
    /// Answers that rest on a state which is not durable yet and which nobody has asked the store
    /// to sync.
    pub(crate) unsynced: Option<Arc<Gate>>,
}

/// What the executor runs.
pub(crate) trait Task: Send + Sync + 'static {
    /// Runs for a slice. Called by one thread at a time, as a task is queued once.
    fn run(self: Arc<Self>, turn: &Turn<'_>) -> Slice;

    /// A timer of [`Executor::wake_at`] went off. Must be short.
    fn wake(self: Arc<Self>);

    /// From when on it is idle, if it is not used until then: rounded, so that many share a time.
    /// Called often, from any thread.
    fn idle_at_ns(&self) -> u64;

    /// Goes to sleep if it can.
    fn doze(self: Arc<Self>, why: Doze) -> Slice;
}

impl Executor {
    /// Makes an executor. No thread is started yet.
    pub fn new(options: ExecutorOptions) -> Arc<Self> {
        Arc::new(Self { shared: Arc::new(Shared::new(options)) })
    }

    /// What it has done and is doing. Can be called after [`Executor::shutdown`].
    pub fn metrics(&self) -> ExecutorMetrics {
        self.shared.metrics()
    }

    /// Runs what is queued, then ends all threads and waits for them. What is submitted later is
    /// refused. Must not be called from a [`crate::Reply`].
    pub fn shutdown(&self) {
        self.shared.shutdown();
    }

    /// Queues a task. False after `shutdown`: the task will not run.
    #[must_use]
    pub(crate) fn enqueue(&self, task: Arc<dyn Task>) -> bool {
        self.shared.enqueue(task)
    }

    /// Calls [`Task::wake`] once `at_ns` of the clock's monotonic time is over, if the task is
    /// still there then. False after `shutdown`.
    pub(crate) fn wake_at(&self, at_ns: u64, task: Weak<dyn Task>) -> bool {
        self.shared.wake_at(at_ns, task)
    }

    /// How many sessions sleep, and what that costs.
    pub fn sleep_metrics(&self) -> SleepMetrics {
        self.shared.sleep.snapshot(&self.shared.lock().idle)
    }

    /// Looks for timers whose time has come: for a clock that does not run by itself.
    pub fn tick(&self) {
        self.shared.tick();
    }

    pub(crate) fn sleep_counters(&self) -> &SleepCounters {
        &self.shared.sleep
    }

    /// A session has a connection now. If that makes too many, others are asked to sleep.
    pub(crate) fn awoke(&self) {
        self.shared.awoke();
    }

    /// A session has no connection any more; with `asleep`, until its next command.
    pub(crate) fn let_go(&self, asleep: bool) {
        self.shared.let_go(asleep);
    }

    /// A session that slept is awake again, or over.
    pub(crate) fn slept(&self) {
        self.shared.slept();
    }

    /// Has a task asked to doze at [`Task::idle_at_ns`]. One seat a task: it is given up only by the
    /// request.
    pub(crate) fn seat(&self, at_ns: u64, task: Weak<dyn Task>) {
        self.shared.seat(at_ns, task);
    }

    /// Has a task asked for [`Doze::Hints`]; `at_ns` is as far ahead for all tasks.
    pub(crate) fn hint_at(&self, at_ns: u64, task: Weak<dyn Task>) {
        self.shared.hint_at(at_ns, task);
    }

    /// Asks a task to doze as soon as nothing else is to do.
    pub(crate) fn ask_to_doze(&self, task: Weak<dyn Task>) {
        self.shared.ask_to_doze(task);
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.shutdown();
    }
}
