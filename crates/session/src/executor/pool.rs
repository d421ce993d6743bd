//! The queue, the places and the life of a thread.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use super::idle::{Doze, Idle, SleepCounters};
use super::watchdog::Timers;
use super::{ExecutorMetrics, ExecutorOptions, Slice, Task, place};

/// Enough for SQLite's parser at the deepest expression its limits allow.
const STACK_BYTES: usize = 4 << 20;

pub(super) struct Shared {
    pub(super) options: ExecutorOptions,
    pub(super) sleep: SleepCounters,
    state: Mutex<State>,
    /// Parked threads wait here.
    work: Condvar,
    /// The watchdog waits here.
    pub(super) watch: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) queue: VecDeque<Arc<dyn Task>>,
    /// Places taken; those lent do not count.
    pub(super) running: usize,
    pub(super) workers: Vec<Worker>,
    pub(super) timers: Timers,
    pub(super) idle: Idle,
    pub(super) stopping: bool,
    /// The newest thing done was a turn, not a doze.
    ran_turn: bool,
    /// No timer is set any more.
    closing: bool,
    pub(super) counters: ExecutorMetrics,
    /// The watchdog is awake and looks again within a standstill.
    pub(super) watchdog_called: bool,
    alive: usize,
    parked: usize,
    /// One thread at a time syncs in place: others share a sync through callbacks.
    syncing: bool,
    watchdog_started: bool,
    handles: Vec<JoinHandle<()>>,
}

/// What a thread does next.
enum Job {
    Turn(Arc<dyn Task>),
    Doze(Weak<dyn Task>, Doze),
}

impl State {
    fn has_work(&self) -> bool {
        !self.queue.is_empty() || (!self.stopping && self.idle.has_request())
    }

    /// Turns go first; a doze that makes room goes in turn with them.
    fn job(&mut self) -> Option<Job> {
        let busy = !self.queue.is_empty();
        if !self.stopping
            && (!busy || self.ran_turn)
            && let Some((task, why)) = self.idle.request(busy)
        {
            self.ran_turn = false;
            return Some(Job::Doze(task, why));
        }
        self.ran_turn = true;
        self.queue.pop_front().map(Job::Turn)
    }
}

/// What others may see of a thread.
pub(super) struct Worker {
    pub(super) progress: Arc<Progress>,
    /// In a slice.
    pub(super) busy: bool,
    /// Its place was given away.
    pub(super) lent: bool,
    /// `progress.steps` as the watchdog last saw it.
    pub(super) seen: u64,
    alive: bool,
}

#[derive(Default)]
pub(super) struct Progress {
    /// Rises with each command.
    pub(super) steps: AtomicU64,
    /// A copy of `Worker::lent` for the thread itself, which then ends its slice early.
    pub(super) lent: AtomicBool,
}

/// What a task knows of the thread it runs on.
pub(crate) struct Turn<'a> {
    progress: &'a Progress,
}

impl Turn<'_> {
    /// To be called before each command: a thread that does not call this stands still.
    pub(crate) fn step(&self) {
        self.progress.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the thread lost its place, so that the slice should end.
    pub(crate) fn lent(&self) -> bool {
        self.progress.lent.load(Ordering::Relaxed)
    }
}

impl Shared {
    pub(super) fn new(mut options: ExecutorOptions) -> Self {
        options.threads = options.threads.max(1);
        options.threads_max = options.threads_max.max(options.threads);
        Self {
            options,
            sleep: SleepCounters::default(),
            state: Mutex::default(),
            work: Condvar::new(),
            watch: Condvar::new(),
        }
    }

    /// No code that could panic runs under the lock, so that a poisoned one is whole.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn metrics(&self) -> ExecutorMetrics {
        let state = self.lock();
        ExecutorMetrics {
            threads: state.alive,
            running: state.running,
            parked: state.parked,
            queue_depth: state.queue.len(),
            ..state.counters
        }
    }

    pub(super) fn enqueue(self: &Arc<Self>, task: Arc<dyn Task>) -> bool {
        let mut state = self.lock();
        if state.stopping {
            return false;
        }
        state.queue.push_back(task);
        self.staff(&mut state);
        true
    }

    pub(super) fn wake_at(self: &Arc<Self>, at_ns: u64, task: Weak<dyn Task>) -> bool {
        let mut state = self.lock();
        if state.closing {
            return false;
        }
        if state.timers.push(at_ns, task) {
            self.alarm(&mut state);
        }
        state.watchdog_started
    }

    /// Has the watchdog look at once when it has to look next.
    pub(super) fn alarm(self: &Arc<Self>, state: &mut State) {
        state.watchdog_called = false;
        self.call_watchdog(state);
    }

    pub(super) fn tick(self: &Arc<Self>) {
        self.alarm(&mut self.lock());
    }

    /// Sees to it that somebody takes up the queue: a parked thread, a new one, or in the end the
    /// watchdog, which finds threads that stand still.
    pub(super) fn staff(self: &Arc<Self>, state: &mut State) {
        if !state.has_work() {
            return;
        }
        if state.running < self.options.threads {
            if state.parked > 0 {
                self.work.notify_one();
                return;
            }
            if state.alive < self.options.threads_max && self.hire(state) {
                return;
            }
        }
        if !state.queue.is_empty() {
            self.call_watchdog(state);
        }
    }

    fn call_watchdog(self: &Arc<Self>, state: &mut State) {
        if std::mem::replace(&mut state.watchdog_called, true) {
            return;
        }
        if state.watchdog_started {
            self.watch.notify_one();
            return;
        }
        let shared = Arc::clone(self);
        let spawned = thread::Builder::new()
            .name("actor-sqlite-watchdog".into())
            .spawn(move || shared.watch_over());
        if let Ok(handle) = spawned {
            state.watchdog_started = true;
            state.handles.push(handle);
        }
    }

    /// Starts a thread that has a place from the start. False if the system gives no thread.
    fn hire(self: &Arc<Self>, state: &mut State) -> bool {
        let progress = Arc::new(Progress::default());
        let worker = Worker {
            progress: Arc::clone(&progress),
            busy: false,
            lent: false,
            seen: 0,
            alive: true,
        };
        let index = match state.workers.iter().position(|worker| !worker.alive) {
            Some(index) => {
                state.workers[index] = worker;
                index
            }
            None => {
                state.workers.push(worker);
                state.workers.len() - 1
            }
        };
        let shared = Arc::clone(self);
        let spawned = thread::Builder::new()
            .name("actor-sqlite".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                place::set_worker(Some((Arc::clone(&shared), index)));
                shared.work(index, &progress);
                place::set_worker(None);
            });
        match spawned {
            Ok(handle) => {
                state.handles.retain(|handle| !handle.is_finished());
                state.handles.push(handle);
                state.alive += 1;
                state.running += 1;
                state.counters.threads_started += 1;
                true
            }
            Err(_) => {
                state.workers[index].alive = false;
                false
            }
        }
    }

    /// The life of a thread.
    fn work(self: &Arc<Self>, index: usize, progress: &Progress) {
        let mut state = self.lock();
        let mut placed = true;
        loop {
            if !placed && state.has_work() && state.running < self.options.threads {
                state.running += 1;
                placed = true;
            }
            if placed {
                if let Some(job) = state.job() {
                    (state, placed) = self.run(state, index, progress, job);
                    continue;
                }
                state.running -= 1;
                placed = false;
            }
            let surplus = state.alive > self.options.threads;
            if surplus || (state.stopping && state.queue.is_empty()) {
                break;
            }
            state.parked += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.parked -= 1;
        }
        state.alive -= 1;
        state.workers[index].alive = false;
        // What waits may have been left to this thread's place.
        self.staff(&mut state);
    }

    /// Runs one job and what it left to do; tells whether the thread has its place.
    fn run<'s>(
        self: &'s Arc<Self>,
        mut state: MutexGuard<'s, State>,
        index: usize,
        progress: &Progress,
        job: Job,
    ) -> (MutexGuard<'s, State>, bool) {
        let (task, why) = match job {
            Job::Turn(task) => (task, None),
            Job::Doze(task, why) => match task.upgrade() {
                Some(task) => (task, Some(why)),
                None => return (state, true),
            },
        };
        state.counters.slices += u64::from(why.is_none());
        state.workers[index].busy = true;
        progress.steps.fetch_add(1, Ordering::Relaxed);
        self.staff(&mut state);
        drop(state);
        let turn = Turn { progress };
        let outcome = catch_unwind(AssertUnwindSafe(|| match why {
            None => Arc::clone(&task).run(&turn),
            Some(why) => Arc::clone(&task).doze(why),
        }));
        let mut state = self.lock();
        state.workers[index].busy = false;
        let mut placed = !std::mem::take(&mut state.workers[index].lent);
        progress.lent.store(false, Ordering::Relaxed);
        let slice = outcome.unwrap_or_else(|_| {
            state.counters.panics += 1;
            Slice { again: false, unsynced: None }
        });
        if slice.again {
            state.queue.push_back(task);
        } else {
            drop(state);
            // The last handle may go with it, which closes a database.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(task)));
            state = self.lock();
        }
        if let Some(gate) = slice.unsynced {
            let idle = state.queue.is_empty() && !state.syncing;
            if idle {
                state.syncing = true;
                state.counters.syncs_in_place += 1;
                if placed {
                    state.running -= 1;
                    placed = false;
                }
            }
            drop(state);
            let outcome = catch_unwind(AssertUnwindSafe(|| match idle {
                true => gate.sync_in_place(|| self.lock().syncing = false),
                false => gate.sync_in_background(),
            }));
            state = self.lock();
            if outcome.is_err() {
                state.counters.panics += 1;
                // Perhaps before it was done. At worst two threads sync in place for once.
                state.syncing &= !idle;
            }
        }
        (state, placed)
    }

    pub(super) fn shutdown(self: &Arc<Self>) {
        let this = thread::current().id();
        let timers = {
            let mut state = self.lock();
            state.closing = true;
            state.timers.drain()
        };
        // Who waits for a timer must not wait for ever.
        timers.into_iter().for_each(Task::wake);
        loop {
            let handles = {
                let mut state = self.lock();
                state.stopping = true;
                self.work.notify_all();
                self.watch.notify_all();
                std::mem::take(&mut state.handles)
            };
            if handles.is_empty() {
                return;
            }
            // The last handle of an executor may go on one of its own threads.
            for handle in handles.into_iter().filter(|handle| handle.thread().id() != this) {
                // Panics of tasks are caught; a thread's own has been reported by the hook.
                let _ = handle.join();
            }
        }
    }
}
