//! Who may go to sleep, and who is about to.
//!
//! Each awake session that may sleep has one seat: at the time at which it will have been idle for
//! long enough, if it is not used until then. A use does not move it: when its time comes, whoever
//! looks finds that the session was used, and seats it anew. So a use costs nothing, and a look
//! finds few sessions whose time has not come.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use super::Task;
use super::pool::Shared;

/// How many seats one opening looks at to make room for itself.
const SEATS_MAX: usize = 64;

/// Why a session is asked to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doze {
    /// Its time has come.
    Idle,
    /// Too many are awake.
    Crowded,
    /// Somebody asked for it by name.
    Asked,
    /// It only keeps what it learnt since it was opened, and stays awake.
    Hints,
}

/// One request, of a task that may be gone by then.
pub(super) type Request = (Weak<dyn Task>, Doze);

#[derive(Default)]
pub(super) struct Idle {
    /// By time. Times are rounded, so that many share one.
    seats: BTreeMap<u64, VecDeque<Weak<dyn Task>>>,
    /// By time, which rises: all wait equally long.
    hints: VecDeque<(u64, Weak<dyn Task>)>,
    /// Done when there is nothing else to do.
    drowsy: VecDeque<Request>,
    /// Done in turn with all else, so that no load can keep too many awake.
    crowded: VecDeque<Request>,
    awake: usize,
    asleep: usize,
}

/// What sessions did about sleeping, and what held them back.
#[derive(Default)]
pub(crate) struct SleepCounters {
    pub(crate) sleeps: AtomicU64,
    pub(crate) wakes: AtomicU64,
    pub(crate) wake_ns: AtomicU64,
    pub(crate) wake_failures: AtomicU64,
    pub(crate) held_by_command: AtomicU64,
    pub(crate) held_by_transaction: AtomicU64,
    pub(crate) held_by_cursor: AtomicU64,
    pub(crate) held_by_temp: AtomicU64,
    pub(crate) held_by_answer: AtomicU64,
    pub(crate) held_by_failure: AtomicU64,
    pub(crate) back_offs: AtomicU64,
    pub(crate) back_off_us: AtomicU64,
}

/// The sessions of an executor: how many sleep, and what that costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SleepMetrics {
    /// Open sessions with a connection.
    pub awake: u64,
    /// Open sessions without.
    pub asleep: u64,
    /// Times a session went to sleep.
    pub sleeps: u64,
    /// Times one woke.
    pub wakes: u64,
    /// Time that commands waited for that, in nanoseconds.
    pub wake_ns: u64,
    /// Times one could not wake; its command failed.
    pub wake_failures: u64,
    /// Times one that was to sleep stayed awake because a command ran or waited.
    pub held_by_command: u64,
    /// … because a transaction was open.
    pub held_by_transaction: u64,
    /// … because a result was read in chunks and not at its end.
    pub held_by_cursor: u64,
    /// … because there was something in its temporary database.
    pub held_by_temp: u64,
    /// … because an answer waited to become durable.
    pub held_by_answer: u64,
    /// … because SQLite or the store failed when it was asked.
    pub held_by_failure: u64,
    /// Times a session waited after a commit because the store was behind.
    pub back_offs: u64,
    /// How long those were asked to wait, in microseconds.
    pub back_off_us: u64,
}

impl SleepCounters {
    pub(super) fn snapshot(&self, idle: &Idle) -> SleepMetrics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        SleepMetrics {
            awake: idle.awake as u64,
            asleep: idle.asleep as u64,
            sleeps: get(&self.sleeps),
            wakes: get(&self.wakes),
            wake_ns: get(&self.wake_ns),
            wake_failures: get(&self.wake_failures),
            held_by_command: get(&self.held_by_command),
            held_by_transaction: get(&self.held_by_transaction),
            held_by_cursor: get(&self.held_by_cursor),
            held_by_temp: get(&self.held_by_temp),
            held_by_answer: get(&self.held_by_answer),
            held_by_failure: get(&self.held_by_failure),
            back_offs: get(&self.back_offs),
            back_off_us: get(&self.back_off_us),
        }
    }
}

impl Idle {
    /// Whether somebody is to doze.
    pub(super) fn has_request(&self) -> bool {
        !self.drowsy.is_empty() || !self.crowded.is_empty()
    }

    /// The next request; with `busy`, of those that do not wait for a quiet moment.
    pub(super) fn request(&mut self, busy: bool) -> Option<Request> {
        let crowded = self.crowded.pop_front();
        crowded.or_else(|| if busy { None } else { self.drowsy.pop_front() })
    }

    /// Tells whether it is now the first one.
    fn seat(&mut self, at_ns: u64, task: Weak<dyn Task>) -> bool {
        let first = self.next_ns().is_none_or(|first_ns| at_ns < first_ns);
        self.seats.entry(at_ns).or_default().push_back(task);
        first
    }

    /// When somebody is to be looked at.
    pub(super) fn next_ns(&self) -> Option<u64> {
        let seat = self.seats.first_key_value().map(|(&at_ns, _)| at_ns);
        let hints = self.hints.front().map(|&(at_ns, _)| at_ns);
        seat.into_iter().chain(hints).min()
    }

    /// Takes out those whose time has come; asks those that only have to keep something.
    pub(super) fn due(&mut self, now_ns: u64) -> Vec<Weak<dyn Task>> {
        while self.hints.front().is_some_and(|(at_ns, _)| *at_ns <= now_ns) {
            let task = self.hints.pop_front().map(|(_, task)| (task, Doze::Hints));
            self.drowsy.extend(task);
        }
        let mut due = Vec::new();
        while let Some(entry) = self.seats.first_entry() {
            if *entry.key() > now_ns {
                break;
            }
            due.extend(entry.remove());
        }
        due
    }

    /// Takes out the one whose time comes first.
    fn first(&mut self) -> Option<(u64, Weak<dyn Task>)> {
        let mut entry = self.seats.first_entry()?;
        let at_ns = *entry.key();
        let task = entry.get_mut().pop_front();
        if entry.get().is_empty() {
            entry.remove();
        }
        Some((at_ns, task?))
    }
}

impl Shared {
    /// A session has a connection now.
    pub(super) fn awoke(self: &Arc<Self>) {
        self.lock().idle.awake += 1;
        self.make_room();
    }

    /// A session has none any more. With `asleep` it may have one again.
    pub(super) fn let_go(&self, asleep: bool) {
        let mut state = self.lock();
        state.idle.awake -= 1;
        state.idle.asleep += usize::from(asleep);
    }

    /// A session that slept does not any more.
    pub(super) fn slept(&self) {
        self.lock().idle.asleep -= 1;
    }

    pub(super) fn seat(self: &Arc<Self>, at_ns: u64, task: Weak<dyn Task>) {
        let mut state = self.lock();
        if !state.stopping && state.idle.seat(at_ns, task) {
            self.alarm(&mut state);
        }
    }

    pub(super) fn hint_at(self: &Arc<Self>, at_ns: u64, task: Weak<dyn Task>) {
        let mut state = self.lock();
        if state.stopping {
            return;
        }
        let first = state.idle.next_ns().is_none_or(|first_ns| at_ns < first_ns);
        // Threads read the clock a moment before they get here.
        let last_ns = state.idle.hints.back().map_or(0, |(last_ns, _)| *last_ns);
        state.idle.hints.push_back((at_ns.max(last_ns), task));
        if first {
            self.alarm(&mut state);
        }
    }

    pub(super) fn ask_to_doze(self: &Arc<Self>, task: Weak<dyn Task>) {
        let mut state = self.lock();
        state.idle.drowsy.push_back((task, Doze::Asked));
        self.staff(&mut state);
    }

    /// Asks one whose time has come, unless it was used since. Without the lock: a task must not
    /// go under it.
    pub(super) fn look_at(self: &Arc<Self>, weak: Weak<dyn Task>, now_ns: u64) {
        let Some(task) = weak.upgrade() else { return };
        let at_ns = task.idle_at_ns();
        if at_ns > now_ns {
            return self.seat(at_ns, weak);
        }
        let mut state = self.lock();
        state.idle.drowsy.push_back((weak, Doze::Idle));
        self.staff(&mut state);
    }

    /// While more are awake than may be: asks the one that would sleep first.
    fn make_room(self: &Arc<Self>) {
        for _ in 0..SEATS_MAX {
            let (seated_ns, weak) = {
                let mut state = self.lock();
                let asked = state.idle.crowded.len();
                if state.idle.awake <= self.options.awake_max + asked {
                    return;
                }
                match state.idle.first() {
                    Some(seat) => seat,
                    None => return,
                }
            };
            let Some(task) = weak.upgrade() else { continue };
            let at_ns = task.idle_at_ns();
            if at_ns > seated_ns {
                self.seat(at_ns, weak);
                continue;
            }
            let mut state = self.lock();
            state.idle.crowded.push_back((weak, Doze::Crowded));
            self.staff(&mut state);
        }
    }
}
