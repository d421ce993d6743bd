//! One sync for everybody who waits.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use actor_sqlite_kv::{DurableCallback, KvError, Ticket};

use crate::metrics::{Counters, count};

/// The log whose syncs are shared.
pub(crate) trait Log: Send + Sync + 'static {
    /// Makes every write that returned before the call survive power loss; the error in words.
    fn sync(&self) -> Result<(), String>;
}

/// Gives out tickets and makes them durable.
///
/// A sync covers every ticket given before it began, because a ticket is given only after its
/// write is in the log. Whoever waits when no sync is under way does it in place; the others wait
/// for that one and, if it began too early for them, one of them does the next. Callbacks are run
/// by one thread, in ticket order and without any lock held; it is started by the first of them
/// and syncs as long as there are some.
///
/// A failed sync is final: the kernel may have dropped what it could not write, so that a second
/// one could succeed without it.
pub(crate) struct Syncer {
    log: Box<dyn Log>,
    counters: Arc<Counters>,
    ordered: AtomicU64,
    durable: AtomicU64,
    dead: AtomicBool,
    state: Mutex<State>,
    /// A sync ended, a callback came, or it is time to stop.
    changed: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct State {
    syncing: bool,
    failure: Option<String>,
    /// By ticket, then by order of arrival.
    pending: BTreeMap<(u64, u64), DurableCallback>,
    arrivals: u64,
    stopping: bool,
}

impl State {
    fn alive(&self) -> Result<(), KvError> {
        match &self.failure {
            Some(reason) => Err(KvError::Dead { reason: reason.clone() }),
            None => Ok(()),
        }
    }
}

impl Syncer {
    pub(crate) fn new(log: Box<dyn Log>, counters: Arc<Counters>) -> Arc<Self> {
        Arc::new(Self {
            log,
            counters,
            ordered: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            dead: AtomicBool::new(false),
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
            thread: Mutex::new(None),
        })
    }

    /// A ticket for a write that the log has taken.
    pub(crate) fn ordered(&self) -> Ticket {
        Ticket(self.ordered.fetch_add(1, SeqCst) + 1)
    }

    /// The writes up to `ticket` are durable without a sync.
    pub(crate) fn mark_durable(&self, ticket: Ticket) {
        self.durable.fetch_max(ticket.0, SeqCst);
    }

    pub(crate) fn durable(&self) -> Ticket {
        Ticket(self.durable.load(SeqCst))
    }

    /// Refuses once the store is dead.
    pub(crate) fn alive(&self) -> Result<(), KvError> {
        if self.dead.load(SeqCst) { self.lock().alive() } else { Ok(()) }
    }

    /// Ends the store: waiters and callbacks get [`KvError::Dead`].
    pub(crate) fn fail(&self, reason: String) {
        let mut state = self.lock();
        state.failure.get_or_insert(reason);
        self.dead.store(true, SeqCst);
        drop(state);
        self.changed.notify_all();
    }

    pub(crate) fn wait(&self, ticket: Ticket) -> Result<(), KvError> {
        if ticket <= self.durable() {
            return Ok(());
        }
        let mut state = self.lock();
        loop {
            if ticket <= self.durable() {
                return Ok(());
            }
            self.waitable(&state, ticket)?;
            state = if state.syncing { self.sleep(state) } else { self.sync(state) };
        }
    }

    pub(crate) fn call(self: &Arc<Self>, ticket: Ticket, callback: DurableCallback) {
        if ticket <= self.durable() {
            return callback(Ok(()));
        }
        let mut state = self.lock();
        if let Err(error) = self.waitable(&state, ticket) {
            drop(state);
            return callback(Err(error));
        }
        state.arrivals += 1;
        let place = (ticket.0, state.arrivals);
        state.pending.insert(place, callback);
        drop(state);
        self.changed.notify_all();
        self.start_thread();
    }

    /// Makes everything durable, runs the callbacks and ends the thread, unless it is the caller.
    pub(crate) fn stop(&self) {
        // A failure has been told to whoever waited; nobody waits for the rest.
        let _ = self.wait(Ticket(self.ordered.load(SeqCst)));
        self.lock().stopping = true;
        self.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id())
        {
            // It cannot have panicked: callbacks are caught.
            let _ = thread.join();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn waitable(&self, state: &State, ticket: Ticket) -> Result<(), KvError> {
        state.alive()?;
        if ticket.0 > self.ordered.load(SeqCst) {
            return Err(KvError::Invalid { reason: "a ticket that was never given".into() });
        }
        Ok(())
    }

    /// Does one sync in place, with the state unlocked meanwhile.
    fn sync<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.syncing = true;
        drop(state);
        let target = self.ordered.load(SeqCst);
        let begun = Instant::now();
        let synced = self.log.sync();
        let ns = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);

        let mut state = self.lock();
        state.syncing = false;
        match synced {
            Ok(()) => {
                let before = self.durable.fetch_max(target, SeqCst);
                count(&self.counters.syncs, 1);
                count(&self.counters.synced_commits, target.saturating_sub(before) as usize);
                self.counters.sync_ns.add(ns);
            }
            Err(reason) => {
                state.failure.get_or_insert(reason);
                self.dead.store(true, SeqCst);
            }
        }
        self.changed.notify_all();
        state
    }

    fn start_thread(self: &Arc<Self>) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_some() {
            return;
        }
        let syncer = Arc::clone(self);
        match thread::Builder::new().name("kv-sync".into()).spawn(move || syncer.serve()) {
            Ok(started) => *thread = Some(started),
            Err(error) => {
                drop(thread);
                self.fail(format!("the sync thread did not start: {error}"));
                self.deliver(self.lock());
            }
        }
    }

    fn serve(&self) {
        let mut state = self.lock();
        loop {
            let ready = match state.pending.first_key_value() {
                Some(((ticket, _), _)) => *ticket <= self.durable().0 || state.failure.is_some(),
                None if state.stopping => return,
                None => {
                    state = self.sleep(state);
                    continue;
                }
            };
            state = if ready {
                self.deliver(state);
                self.lock()
            } else if state.syncing {
                self.sleep(state)
            } else {
                self.sync(state)
            };
        }
    }

    /// Runs the callbacks whose outcome is known.
    fn deliver(&self, mut state: MutexGuard<'_, State>) {
        let first_waiting = (self.durable().0 + 1, 0);
        let mut waiting = state.pending.split_off(&first_waiting);
        let ready = std::mem::take(&mut state.pending);
        let failed = state.alive().err();
        let doomed = if failed.is_some() { std::mem::take(&mut waiting) } else { BTreeMap::new() };
        state.pending = waiting;
        drop(state);
        for callback in ready.into_values() {
            run(callback, Ok(()));
        }
        if let Some(error) = failed {
            for callback in doomed.into_values() {
                run(callback, Err(error.clone()));
            }
        }
    }
}

/// A panic in a callback is its owner's; the others still have to be called.
fn run(callback: DurableCallback, outcome: Result<(), KvError>) {
    let _ = catch_unwind(AssertUnwindSafe(|| callback(outcome)));
}
