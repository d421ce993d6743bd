//! Which databases wait for compaction, and which are being worked on.

use std::collections::{HashSet, VecDeque};
use std::sync::PoisonError;
use std::time::Duration;

use actor_sqlite_pagestore::ActorId;

use crate::Engine;

/// Databases in the order of their turns. Each is in it once at most, so that one that commits
/// all the time waits as long as any other.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// With the monotonic time since which each waits, in nanoseconds; ascending.
    order: VecDeque<(ActorId, u64)>,
    waiting: HashSet<ActorId>,
    busy: HashSet<ActorId>,
}

impl Queue {
    /// Whether the queue was empty.
    fn push(&mut self, actor: ActorId, now_ns: u64) -> bool {
        if self.waiting.insert(actor.clone()) {
            self.order.push_back((actor, now_ns));
            return self.order.len() == 1;
        }
        false
    }

    /// Takes the first that nobody works on, and marks it as worked on.
    fn pop(&mut self) -> Option<ActorId> {
        let at = self.order.iter().position(|(actor, _)| !self.busy.contains(actor))?;
        let (actor, _) = self.order.remove(at)?;
        self.waiting.remove(&actor);
        self.busy.insert(actor.clone());
        Some(actor)
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Since when the first waits.
    pub(crate) fn oldest_ns(&self) -> Option<u64> {
        self.order.front().map(|&(_, since_ns)| since_ns)
    }
}

/// The right to compact or reclaim one database, until it is dropped.
pub(super) struct Turn<'a> {
    engine: &'a Engine,
    actor: ActorId,
}

impl Turn<'_> {
    pub(super) fn actor(&self) -> &ActorId {
        &self.actor
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.engine.queue().busy.remove(&self.actor);
        self.engine.turn_over.notify_all();
    }
}

impl Engine {
    /// Puts a database at the end of the queue, unless it waits already.
    pub(crate) fn enqueue(&self, actor: &ActorId) {
        let now_ns = self.clock.monotonic_ns();
        let first = self.queue().push(actor.clone(), now_ns);
        if let Some(on_work) = self.on_work.get().filter(|_| first) {
            on_work();
        }
    }

    /// The turn of the first database that nobody works on. Looking and taking are one step, so
    /// that several threads of maintenance share a queue and never a database.
    pub(super) fn next_turn(&self) -> Option<Turn<'_>> {
        let actor = self.queue().pop()?;
        Some(Turn { engine: self, actor })
    }

    /// `None` while another thread has the turn.
    pub(super) fn turn(&self, actor: &ActorId) -> Option<Turn<'_>> {
        let free = self.queue().busy.insert(actor.clone());
        free.then(|| Turn { engine: self, actor: actor.clone() })
    }

    /// Waits for the turn, without a lock; `None` if that takes longer.
    pub(super) fn turn_within(&self, actor: &ActorId, wait: Duration) -> Option<Turn<'_>> {
        let (mut queue, _) = self
            .turn_over
            .wait_timeout_while(self.queue(), wait, |queue| queue.busy.contains(actor))
            .unwrap_or_else(PoisonError::into_inner);
        let free = queue.busy.insert(actor.clone());
        free.then(|| Turn { engine: self, actor: actor.clone() })
    }
}
