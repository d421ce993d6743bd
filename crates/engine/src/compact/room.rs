//! Making room in a database that has reached its quota.

use std::time::Duration;

use actor_sqlite_pagestore::{QuotaScope, StoreError};

use super::{Compaction, Fold};
use crate::Engine;
use crate::accounts::stored_bytes;
use crate::lease::LeaseState;

/// How often a commit makes room before it is refused, though there was more to gain each time.
const TRIES: usize = 64;
/// Batches of reclaim and of the sweep in one of these.
const BATCHES: usize = 64;

impl Engine {
    /// Does work that a quota may refuse. Before it is refused, what compaction and reclaim owe to
    /// the database is paid: deltas that could be folded and rows that nobody reads do not fail
    /// a commit. The work is begun again each time that gained anything, so it must not have
    /// written anything when it answers that a quota is reached.
    pub(crate) fn within_quota<T>(
        &self,
        state: &LeaseState,
        mut work: impl FnMut() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        for _ in 0..TRIES {
            match work() {
                Err(StoreError::Quota { .. }) if self.make_room(state) => {}
                outcome => return outcome.map_err(|error| self.refusal(state, error)),
            }
        }
        work().map_err(|error| self.refusal(state, error))
    }

    /// The error of work that a quota refused, or that the lease is over, if that was found out when
    /// room was to be made.
    fn refusal(&self, state: &LeaseState, error: StoreError) -> StoreError {
        let over = state.view().over.clone();
        let error = over.filter(|_| matches!(error, StoreError::Quota { .. })).unwrap_or(error);
        self.count_refusal(&error);
        error
    }

    fn count_refusal(&self, error: &StoreError) {
        match error {
            StoreError::Quota { scope: QuotaScope::Actor, .. } => {
                self.metrics.quota_refusals_actor.add(1);
            }
            StoreError::Quota { scope: QuotaScope::Namespace, .. } => {
                self.metrics.quota_refusals_namespace.add(1);
            }
            _ => {}
        }
    }

    /// Folds and reclaims in place, without regard to the retention: history gives way before
    /// commits do. Whether anything was gained. A failure of it is none of the commit's.
    fn make_room(&self, state: &LeaseState) -> bool {
        let before = self.measure(state);
        // What maintenance has gained since the view was told.
        if self.look_at_root(state) && self.measure(state).0 < before.0 {
            return true;
        }
        let wait = Duration::from_millis(self.options.compaction.hard_wait_ms);
        let Some(turn) = self.turn_within(&state.db.actor, wait) else { return false };
        self.metrics.commits_made_room.add(1);
        let fold = Fold::all(self.options.compaction.plan_bytes_max);
        let folded = self.compact_in(&turn, fold);
        let reclaimed = self.reclaim_keeping(&turn, BATCHES, false);
        let swept = self.sweep_in(&turn, BATCHES);
        drop(turn);
        let gained = matches!(folded, Ok(Compaction::Installed { .. } | Compaction::Superseded))
            || reclaimed.is_ok_and(|reclaim| reclaim.rows > 0)
            || swept.is_ok_and(|sweep| sweep.rows > 0);
        self.look_at_root(state) && (gained || self.measure(state) < before)
    }

    /// Bytes that are stored and deltas that could be folded, as far as the view knows.
    fn measure(&self, state: &LeaseState) -> (u64, u64) {
        let view = state.view();
        (stored_bytes(&view.head.row, &view.root), view.open_deltas.count())
    }

    fn look_at_root(&self, state: &LeaseState) -> bool {
        let mut writer = state.writer();
        self.refresh(state, &mut writer).is_ok()
    }
}
