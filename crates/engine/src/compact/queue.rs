//! Which databases wait for compaction, and which are being worked on.

use std::collections::{HashSet, VecDeque};
use std::sync::PoisonError;
use std::time::Duration;

use actor_sqlite_pagestore::{ActorId, StoreError};

use crate::Engine;
use crate::lease::LeaseState;

/// Databases in the order of their turns. Each is in it once at most, so that one that commits
/// all the time waits as long as any other.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    order: VecDeque<ActorId>,
    waiting: HashSet<ActorId>,
    busy: HashSet<ActorId>,
}

impl Queue {
    pub(crate) fn push(&mut self, actor: ActorId) {
        if self.waiting.insert(actor.clone()) {
            self.order.push_back(actor);
        }
    }

    pub(super) fn pop(&mut self) -> Option<ActorId> {
        let actor = self.order.pop_front()?;
        self.waiting.remove(&actor);
        Some(actor)
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
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
    /// `None` while another thread has the turn.
    pub(super) fn turn(&self, actor: &ActorId) -> Option<Turn<'_>> {
        let free = self.queue().busy.insert(actor.clone());
        free.then(|| Turn { engine: self, actor: actor.clone() })
    }

    /// Waits for the turn, without a lock; `None` if that takes longer.
    fn turn_within(&self, actor: &ActorId, wait: Duration) -> Option<Turn<'_>> {
        let (mut queue, _) = self
            .turn_over
            .wait_timeout_while(self.queue(), wait, |queue| queue.busy.contains(actor))
            .unwrap_or_else(PoisonError::into_inner);
        let free = queue.busy.insert(actor.clone());
        free.then(|| Turn { engine: self, actor: actor.clone() })
    }

    /// Puts a database into the queue if it has enough deltas.
    pub(crate) fn note_debt(&self, state: &LeaseState) {
        let (count, bytes) = {
            let view = state.view();
            (view.open_deltas.count(), view.open_deltas.bytes())
        };
        let options = &self.options.compaction;
        if count >= options.delta_count || bytes >= options.delta_bytes {
            self.queue().push(state.db.actor.clone());
        }
    }

    /// Lets a commit compact its database first if maintenance is far behind, after whoever works
    /// on it now. A compaction that fails must not fail the commit: the pages are as readable as
    /// before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when another thread kept the turn for too long: the limit holds.
    pub(crate) fn hold_back(&self, state: &LeaseState) -> Result<(), StoreError> {
        if !self.is_far_behind(state) {
            return Ok(());
        }
        self.metrics.commits_held_back.add(1);
        let wait = Duration::from_millis(self.options.compaction.hard_wait_ms);
        let Some(turn) = self.turn_within(&state.db.actor, wait) else {
            let reason = "too many commits wait for a compaction that is under way".into();
            return Err(StoreError::Unavailable { reason });
        };
        if self.is_far_behind(state) {
            let _ = self.compact_in(&turn);
        }
        Ok(())
    }

    fn is_far_behind(&self, state: &LeaseState) -> bool {
        let view = state.view();
        let options = &self.options.compaction;
        view.open_deltas.count() >= options.hard_delta_count
            || view.open_deltas.bytes() >= options.hard_delta_bytes
    }
}
