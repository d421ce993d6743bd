//! Folding deltas into shards, and deleting what nobody reads any more.
//!
//! Driven from outside, and guarded by `EPOCH` and `ROOT` only: commits write neither, so a commit
//! storm cannot make a compaction start again. A plan covers an immutable range of states; what is
//! built from it stays right whatever is committed meanwhile.

mod bases;
mod build;
mod crowd;
mod install;
mod leftovers;
mod maintain;
mod pace;
mod plan;
mod queue;
mod reclaim;
mod retain;
mod room;
mod sweep;

use actor_sqlite_ltx::Txid;
use actor_sqlite_pagestore::{ActorId, StoreError};

pub(crate) use crowd::Crowd;
pub use maintain::{MaintenanceBudget, MaintenanceReport};
pub(crate) use queue::Queue;
use queue::Turn;
pub(crate) use retain::Spans;

use crate::Engine;
use crate::db::Db;
use crate::heads::Heads;

/// What became of a compaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compaction {
    /// There is nothing to fold: no delta above the watermark, or only the very first commit.
    Nothing,
    /// The same database is being compacted or reclaimed by another thread.
    Busy,
    /// A claim, another compaction or a reclaim came between; nothing it wrote counts.
    Superseded,
    /// The shards hold the database as of a new watermark.
    Installed {
        /// The new watermark.
        watermark: Txid,
        /// Deltas folded.
        deltas: u64,
        /// Shard versions written.
        shards: u64,
        /// Deltas above the new watermark.
        deltas_left: u64,
    },
}

/// What a reclaim deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reclaim {
    /// Rows deleted.
    pub rows: u64,
    /// Their keys and values in bytes.
    pub bytes: u64,
    /// There is more to delete.
    pub more: bool,
}

/// How much one compaction folds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fold {
    /// See [`crate::CompactionOptions::plan_bytes_max`].
    pub(crate) bytes_max: u64,
    /// As many of the newest deltas are left as they are, within [`Self::keep_bytes`]: the states
    /// that are to stay readable then need nothing that compaction replaces.
    pub(crate) keep_txids: u64,
    /// Keys and values of those.
    pub(crate) keep_bytes: u64,
}

impl Fold {
    /// Up to the newest state.
    pub(crate) fn all(bytes_max: u64) -> Self {
        Self { bytes_max, keep_txids: 0, keep_bytes: 0 }
    }
}

impl Engine {
    /// Folds the deltas of a database above its watermark into shards, as many as one plan holds.
    ///
    /// The caller's thread does the work. Owners of the database go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Corrupt`] when what is to be folded is damaged, in
    /// which case nothing is installed; [`StoreError::Unavailable`].
    pub fn compact(&self, actor: &ActorId) -> Result<Compaction, StoreError> {
        match self.turn(actor) {
            Some(turn) => self.compact_in(&turn, Fold::all(self.options.compaction.plan_bytes_max)),
            None => Ok(Compaction::Busy),
        }
    }

    /// What maintenance folds. Never so little that a database would soon be a candidate again.
    fn lazy_fold(&self) -> Fold {
        let options = &self.options.compaction;
        Fold {
            bytes_max: options.plan_bytes_max,
            keep_txids: options.retention_txids.min(options.delta_count / 2),
            keep_bytes: options.retention_bytes.min(options.delta_bytes / 2),
        }
    }

    fn compact_in(&self, turn: &Turn<'_>, fold: Fold) -> Result<Compaction, StoreError> {
        let actor = turn.actor();
        let db = Db::new(actor);
        let begun_ns = self.clock.monotonic_ns();
        let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
        let heads = existing(Heads::load(&db, &*snapshot)?, actor)?;
        if heads.root.row.building != Txid::ZERO {
            self.clean_leftovers(&db, &heads)?;
            return Ok(Compaction::Superseded);
        }
        let Some(plan) = self.plan(&db, &*snapshot, heads, fold)? else {
            return Ok(Compaction::Nothing);
        };
        self.metrics.compaction_plans.add(1);
        self.metrics.compaction_plan_ns.add(self.clock.monotonic_ns() - begun_ns);
        self.build_and_install(&db, &*snapshot, &plan)
    }
}

fn existing(heads: Option<Heads>, actor: &ActorId) -> Result<Heads, StoreError> {
    heads.ok_or_else(|| StoreError::NotFound { actor: actor.clone() })
}
