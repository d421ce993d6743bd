//! Which databases wait for compaction, and which are being worked on.

use std::collections::{HashSet, VecDeque};

use actor_sqlite_pagestore::ActorId;

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

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.engine.queue().busy.remove(&self.actor);
    }
}

impl Engine {
    /// `None` while another thread has the turn.
    pub(super) fn turn(&self, actor: &ActorId) -> Option<Turn<'_>> {
        let free = self.queue().busy.insert(actor.clone());
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

    /// Lets a commit compact its database first if maintenance is far behind. A compaction that
    /// fails must not fail the commit: the pages are as readable as before.
    pub(crate) fn hold_back(&self, state: &LeaseState) {
        let behind = {
            let view = state.view();
            let options = &self.options.compaction;
            view.open_deltas.count() >= options.hard_delta_count
                || view.open_deltas.bytes() >= options.hard_delta_bytes
        };
        if behind {
            self.metrics.commits_held_back.add(1);
            let _ = self.compact(&state.db.actor);
        }
    }
}
