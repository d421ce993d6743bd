//! One round of maintenance over many databases.

use std::sync::atomic::Ordering;

use actor_sqlite_pagestore::{ActorId, StoreError};

use super::queue::Turn;
use crate::{Compaction, Engine};

/// How much one round may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaintenanceBudget {
    /// The most databases that are compacted.
    pub compactions_max: usize,
    /// The most batches of deletes for each of them.
    pub reclaim_batches_max: usize,
}

impl Default for MaintenanceBudget {
    fn default() -> Self {
        Self { compactions_max: 64, reclaim_batches_max: 16 }
    }
}

/// What one round did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaintenanceReport {
    /// Compactions installed.
    pub compactions: u64,
    /// Compactions given up because somebody else came between; they are tried again.
    pub superseded: u64,
    /// Rows deleted.
    pub reclaimed_rows: u64,
    /// Their keys and values in bytes, and those of databases that were deleted since the last round.
    pub reclaimed_bytes: u64,
    /// Databases that could not be worked on; they come again with their next commits.
    pub failures: Vec<(ActorId, StoreError)>,
    /// Databases that wait for the next round.
    pub waiting: u64,
}

impl Engine {
    /// Gives databases their turns, each at most once and in the order in which they came to need
    /// it, until the budget is spent. A turn compacts and reclaims, and is bounded by
    /// [`crate::CompactionOptions::plan_bytes_max`], so that a large or busy database delays others
    /// by no more. To be called again and again by a thread of the host, or by several at once:
    /// they never work on one database.
    pub fn maintain(&self, budget: MaintenanceBudget) -> MaintenanceReport {
        self.queue_idle();
        let mut report = MaintenanceReport::default();
        let turns = self.queue().len().min(budget.compactions_max);
        for _ in 0..turns {
            let Some(turn) = self.next_turn() else { break };
            let begun_ns = self.clock.monotonic_ns();
            let outcome = self.maintain_one(&turn, budget, &mut report);
            let spent_ns = self.clock.monotonic_ns() - begun_ns;
            self.metrics.turns.add(1);
            self.metrics.turn_ns.add(spent_ns);
            self.metrics.turn_ns_max.raise(spent_ns);
            match outcome {
                Ok(true) => self.enqueue(turn.actor()),
                // It was deleted since it came to wait.
                Ok(false) | Err(StoreError::NotFound { .. }) => {}
                Err(error) => report.failures.push((turn.actor().clone(), error)),
            }
        }
        let deleted_bytes = self.metrics.deleted_bytes.get();
        let reported = self.deleted_bytes_reported.swap(deleted_bytes, Ordering::Relaxed);
        report.reclaimed_bytes += deleted_bytes.saturating_sub(reported);
        report.waiting = self.queue().len() as u64;
        report
    }

    /// `true` if the database needs another turn.
    fn maintain_one(
        &self,
        turn: &Turn<'_>,
        budget: MaintenanceBudget,
        report: &mut MaintenanceReport,
    ) -> Result<bool, StoreError> {
        let again = match self.compact_in(turn, self.lazy_fold()) {
            Ok(Compaction::Nothing) => false,
            Ok(Compaction::Busy) => true,
            Ok(Compaction::Superseded) => {
                report.superseded += 1;
                true
            }
            Ok(Compaction::Installed { deltas_left, .. }) => {
                report.compactions += 1;
                deltas_left >= self.options.compaction.delta_count
            }
            // What follows makes room, after which there may be some for folding.
            Err(error @ StoreError::Full { .. }) => {
                report.failures.push((turn.actor().clone(), error));
                false
            }
            Err(error) => return Err(error),
        };
        let reclaim = self.reclaim_in(turn, budget.reclaim_batches_max)?;
        let sweep = self.sweep_in(turn, budget.reclaim_batches_max)?;
        report.reclaimed_rows += reclaim.rows + sweep.rows;
        report.reclaimed_bytes += reclaim.bytes + sweep.bytes;
        Ok(again || reclaim.more || sweep.more)
    }

    /// Puts databases into the queue that have some deltas and no commit for a while.
    fn queue_idle(&self) {
        let idle_ns = self.options.compaction.idle_ms * 1_000_000;
        let now_ns = self.clock.monotonic_ns();
        for lease in self.live_leases() {
            let idle = {
                let view = lease.view();
                self.is_worth_an_idle_turn(view.open_deltas.count())
                    && now_ns.saturating_sub(view.committed_at_ns) >= idle_ns
            };
            if idle {
                self.enqueue(&lease.db.actor);
            }
        }
    }
}
