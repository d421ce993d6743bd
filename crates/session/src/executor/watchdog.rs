//! The thread that looks after the others: it takes the place of a thread that stands still while
//! work waits, and tells tasks that their time is over. It sleeps while there is neither.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
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
    heap: BinaryHeap<Reverse<(u64, u64)>>,
    tasks: std::collections::HashMap<u64, Weak<dyn Task>>,
    count: u64,
}

impl Timers {
    /// Tells whether it is now the first one.
    pub(super) fn push(&mut self, at_ns: u64, task: Weak<dyn Task>) -> bool {
        let first = self.heap.peek().is_none_or(|&Reverse((first_ns, _))| at_ns < first_ns);
        self.count += 1;
        self.heap.push(Reverse((at_ns, self.count)));
        self.tasks.insert(self.count, task);
        first
    }

    /// The tasks whose time is over, and how long it is until the next one's.
    fn due(&mut self, now_ns: u64) -> (Vec<Arc<dyn Task>>, Option<Duration>) {
        let mut due = Vec::new();
        while let Some(&Reverse((at_ns, key))) = self.heap.peek() {
            if at_ns > now_ns {
                let wait = Duration::from_nanos(at_ns - now_ns).max(TIMER_MIN);
                return (due, Some(wait));
            }
            self.heap.pop();
            due.extend(self.tasks.remove(&key).and_then(|task| task.upgrade()));
        }
        (due, None)
    }
}

impl Shared {
    pub(super) fn watch_over(self: Arc<Self>) {
        let mut state = self.lock();
        let mut watching = false;
        while !(state.stopping && state.queue.is_empty()) {
            let (due, next_timer) = state.timers.due(self.options.clock.monotonic_ns());
            if !due.is_empty() {
                drop(state);
                due.into_iter().for_each(Task::wake);
                state = self.lock();
                continue;
            }
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
