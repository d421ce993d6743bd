//! One round of maintenance over many databases.

use actor_sqlite_pagestore::{ActorId, StoreError};

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
    /// Their keys and values in bytes.
    pub reclaimed_bytes: u64,
    /// Databases that could not be worked on; they come again with their next commits.
    pub failures: Vec<(ActorId, StoreError)>,
    /// Databases that wait for the next round.
    pub waiting: u64,
}

impl Engine {
    /// Compacts and reclaims databases, each at most once and in the order in which they came to
    /// need it, until the budget is spent. To be called again and again by a thread of the host.
    pub fn maintain(&self, budget: MaintenanceBudget) -> MaintenanceReport {
        self.queue_idle();
        let mut report = MaintenanceReport::default();
        let rounds = self.queue().len().min(budget.compactions_max);
        for _ in 0..rounds {
            let Some(actor) = self.queue().pop() else { break };
            match self.maintain_one(&actor, budget, &mut report) {
                Ok(true) => self.queue().push(actor),
                Ok(false) => {}
                Err(error) => report.failures.push((actor, error)),
            }
        }
        report.waiting = self.queue().len() as u64;
        report
    }

    /// `true` if the database needs another turn.
    fn maintain_one(
        &self,
        actor: &ActorId,
        budget: MaintenanceBudget,
        report: &mut MaintenanceReport,
    ) -> Result<bool, StoreError> {
        let again = match self.compact(actor)? {
            Compaction::Nothing => false,
            Compaction::Busy => true,
            Compaction::Superseded => {
                report.superseded += 1;
                true
            }
            Compaction::Installed { deltas_left, .. } => {
                report.compactions += 1;
                deltas_left >= self.options.compaction.delta_count
            }
        };
        let reclaim = self.reclaim(actor, budget.reclaim_batches_max)?;
        report.reclaimed_rows += reclaim.rows;
        report.reclaimed_bytes += reclaim.bytes;
        Ok(again || reclaim.more)
    }

    /// Puts databases into the queue that have some deltas and no commit for a while.
    fn queue_idle(&self) {
        let options = self.options.compaction;
        let now_ns = self.clock.monotonic_ns();
        for lease in self.live_leases() {
            let idle = {
                let view = lease.view();
                view.open_deltas.count() >= options.idle_delta_count
                    && now_ns.saturating_sub(view.committed_at_ns) >= options.idle_ms * 1_000_000
            };
            if idle {
                self.queue().push(lease.db.actor.clone());
            }
        }
    }
}
