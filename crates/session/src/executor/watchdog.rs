//! The thread that looks after the others: it takes the place of a thread that stands still while
//! work waits, tells tasks that their time is over, and asks those that are idle to sleep. It waits
//! while there is none of these.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use super::Task;
use super::pool::{Shared, State};

/// How long a thread may be at one command, while work waits, before its place is given away.
const STANDSTILL: Duration = Duration::from_millis(2);
/// The shortest sleep until a timer, so that a clock that stands still does not make a busy loop.
const TIMER_MIN: Duration = Duration::from_millis(1);

/// Tasks to wake, the earliest first.
#[derive(Default)]
pub(super) struct Timers {
    tasks: BTreeMap<u64, Vec<Weak<dyn Task>>>,
}

impl Timers {
    /// Tells whether it is now the first one.
    pub(super) fn push(&mut self, at_ns: u64, task: Weak<dyn Task>) -> bool {
        let first = self.next_ns().is_none_or(|first_ns| at_ns < first_ns);
        self.tasks.entry(at_ns).or_default().push(task);
        first
    }

    fn next_ns(&self) -> Option<u64> {
        self.tasks.first_key_value().map(|(&at_ns, _)| at_ns)
    }

    /// The tasks whose time is over.
    fn due(&mut self, now_ns: u64) -> Vec<Arc<dyn Task>> {
        let mut due = Vec::new();
        while let Some(entry) = self.tasks.first_entry() {
            if *entry.key() > now_ns {
                break;
            }
            due.extend(entry.remove().iter().filter_map(Weak::upgrade));
        }
        due
    }

    /// All tasks.
    pub(super) fn drain(&mut self) -> Vec<Arc<dyn Task>> {
        self.due(u64::MAX)
    }
}

impl Shared {
    pub(super) fn watch_over(self: Arc<Self>) {
        let mut state = self.lock();
        let mut watching = false;
        while !(state.stopping && state.queue.is_empty()) {
            let now_ns = self.options.clock.monotonic_ns();
            let due = state.timers.due(now_ns);
            let idle = state.idle.due(now_ns);
            self.staff(&mut state);
            if !due.is_empty() || !idle.is_empty() {
                drop(state);
                due.into_iter().for_each(Task::wake);
                idle.into_iter().for_each(|task| self.look_at(task, now_ns));
                state = self.lock();
                continue;
            }
            let next_ns = state.timers.next_ns().into_iter().chain(state.idle.next_ns()).min();
            let next_timer = next_ns
                .map(|at_ns| Duration::from_nanos(at_ns.saturating_sub(now_ns)).max(TIMER_MIN));
            let waiting = !state.queue.is_empty();
            if waiting && watching {
                self.take_places(&mut state);
            } else if waiting {
                note_progress(&mut state);
            }
            watching = waiting;
            state.watchdog_called = waiting;
            let sleep = match (waiting, next_timer) {
                (true, Some(timer)) => Some(timer.min(STANDSTILL)),
                (true, None) => Some(STANDSTILL),
                (false, timer) => timer,
            };
            state = match sleep {
                Some(sleep) => {
                    let woken = self.watch.wait_timeout(state, sleep);
                    let (state, timeout) = woken.unwrap_or_else(PoisonError::into_inner);
                    // Whoever is woken early has not seen a whole standstill.
                    watching &= timeout.timed_out();
                    state
                }
                None => self.watch.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Takes the places of threads that are where they were a standstill ago.
    fn take_places(self: &Arc<Self>, state: &mut State) {
        let mut lent = 0;
        for worker in state.workers.iter_mut().filter(|worker| worker.busy && !worker.lent) {
            let steps = worker.progress.steps.load(Ordering::Relaxed);
            if steps == worker.seen {
                worker.lent = true;
                worker.progress.lent.store(true, Ordering::Relaxed);
                lent += 1;
            }
            worker.seen = steps;
        }
        state.running -= lent;
        state.counters.places_lent += lent as u64;
        self.staff(state);
    }
}

fn note_progress(state: &mut State) {
    for worker in &mut state.workers {
        worker.seen = worker.progress.steps.load(Ordering::Relaxed);
    }
}
