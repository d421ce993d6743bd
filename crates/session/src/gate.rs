//! The durability gate: holds answers back until all they rest on is durable.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actor_sqlite_pagestore::{PageStore, StoreError, Ticket};

use crate::{Answer, Reply, SessionError};

/// When an answer leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When all it rests on is durable.
    #[default]
    Strict,
    /// At once; [`crate::Action::Durable`] and [`crate::Action::Close`] wait.
    Gated,
}

/// The gate of one session.
///
/// Locks: the gate's own is never held while the store or a reply is called.
pub(crate) struct Gate {
    store: Arc<dyn PageStore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Answers of one session leave in order.
    held: VecDeque<Held>,
    /// As far as this session knows.
    durable: Ticket,
    /// The newest ticket an answer rests on.
    newest: Ticket,
    /// The newest ticket the store was asked for.
    asked: Ticket,
    /// Somebody is handing out answers and will see to new ones too.
    releasing: bool,
    failed: Option<Box<StoreError>>,
}

impl State {
    /// Why an answer that rests on `ticket` must not leave. What was durable before a failure stays
    /// so, and so do answers that rest on it.
    fn failure(&self, ticket: Ticket) -> Option<StoreError> {
        self.failed.as_deref().filter(|_| ticket > self.durable).cloned()
    }
}

struct Held {
    ticket: Ticket,
    reply: Reply,
    result: Result<Answer, SessionError>,
}

impl Gate {
    pub(crate) fn new(store: Arc<dyn PageStore>) -> Arc<Self> {
        Arc::new(Self { store, state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why nothing will be durable any more.
    pub(crate) fn failed(&self) -> Option<StoreError> {
        self.lock().failed.as_deref().cloned()
    }

    /// Covers every answer given so far.
    pub(crate) fn newest(&self) -> Ticket {
        self.lock().newest
    }

    /// Whether an answer waits.
    pub(crate) fn holds_answers(&self) -> bool {
        !self.lock().held.is_empty()
    }

    /// Gives up memory that answers of before took.
    pub(crate) fn shrink(&self) {
        self.lock().held.shrink_to_fit();
    }

    /// Whether an answer rests on a ticket that the store was not asked to make durable.
    pub(crate) fn unsynced(&self) -> bool {
        let state = self.lock();
        state.failed.is_none() && state.newest > state.asked.max(state.durable)
    }

    /// Takes an answer that rests on `ticket`. With `wait`, it leaves when that is durable; else at
    /// once. Nothing is asked of the store yet.
    pub(crate) fn pass(
        self: &Arc<Self>,
        ticket: Ticket,
        wait: bool,
        reply: Reply,
        result: Result<Answer, SessionError>,
    ) {
        let known = self.lock().durable;
        let durable = if ticket > known { self.store.durable() } else { known };
        let mut state = self.lock();
        state.durable = state.durable.max(durable);
        state.newest = state.newest.max(ticket);
        if wait {
            state.held.push_back(Held { ticket, reply, result });
            self.release(state);
        } else {
            let failed = state.failure(ticket);
            drop(state);
            send(reply, failed.map_or(result, |error| Err(error.into())));
        }
    }

    /// Blocks until all is durable that answers rest on. `synced` is called before they leave: who
    /// gets one and asks again at once must find no sync under way.
    pub(crate) fn sync_in_place(self: &Arc<Self>, synced: impl FnOnce()) {
        let outcome = self.ask().map(|ticket| (ticket, self.store.wait_durable(ticket)));
        synced();
        if let Some((ticket, result)) = outcome {
            self.settle(ticket, result);
        }
    }

    /// Has the store call back when all is durable that answers rest on.
    pub(crate) fn sync_in_background(self: &Arc<Self>) {
        if let Some(ticket) = self.ask() {
            let gate = Arc::clone(self);
            let callback = Box::new(move |result| gate.settle(ticket, result));
            self.store.on_durable(ticket, callback);
        }
    }

    fn ask(&self) -> Option<Ticket> {
        let mut state = self.lock();
        if state.failed.is_some() || state.newest <= state.asked.max(state.durable) {
            return None;
        }
        state.asked = state.newest;
        Some(state.newest)
    }

    fn settle(&self, ticket: Ticket, result: Result<(), StoreError>) {
        let mut state = self.lock();
        match result {
            Ok(()) => state.durable = state.durable.max(ticket),
            Err(error) => {
                state.failed.get_or_insert(Box::new(error));
            }
        }
        self.release(state);
    }

    /// Hands out the answers at the front that may leave.
    fn release<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        if std::mem::replace(&mut state.releasing, true) {
            return;
        }
        loop {
            let free = state.failed.is_some()
                || state.held.front().is_some_and(|held| held.ticket <= state.durable);
            let next = if free { state.held.pop_front() } else { None };
            let Some(held) = next else { break };
            let failed = state.failure(held.ticket);
            drop(state);
            send(held.reply, failed.map_or(held.result, |error| Err(error.into())));
            state = self.lock();
        }
        state.releasing = false;
    }
}

/// A reply that panics harms nobody else.
pub(crate) fn send(reply: Reply, result: Result<Answer, SessionError>) {
    let _ = catch_unwind(AssertUnwindSafe(|| reply(result)));
}
