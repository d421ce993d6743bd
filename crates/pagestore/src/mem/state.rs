//! All that the store in memory holds.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use actor_sqlite_ltx::Txid;

use super::MemCounts;
use super::database::Database;
use crate::{ActorId, DurableCallback, Generation, Lease, StoreError, Ticket};

#[derive(Default)]
pub(super) struct State {
    pub(super) databases: HashMap<ActorId, Database>,
    /// The last generation of each database that was deleted.
    pub(super) deleted: HashMap<ActorId, Generation>,
    pub(super) counts: MemCounts,
    pub(super) commit_fault: Option<CommitFault>,
    pub(super) read_fault: Option<StoreError>,
    pub(super) stage_fault: Option<StoreError>,
    pub(super) back_off_us: u32,
    pub(super) neighbours: u32,
    /// For claims and commits; `None` is no limit.
    pub(super) commit_bytes_max: Option<u64>,
    pub(super) ordered: Ticket,
    pub(super) durable: Ticket,
    pub(super) holding: bool,
    pub(super) waiting: Vec<(Ticket, DurableCallback)>,
}

pub(super) struct CommitFault {
    pub(super) error: StoreError,
    pub(super) lands: bool,
}

pub(super) struct LeaseState {
    pub(super) released: AtomicBool,
}

/// The error of a lease whose database was deleted.
fn deleted(actor: &ActorId, generation: Generation, expected_head: Txid) -> StoreError {
    StoreError::Fenced {
        actor: actor.clone(),
        expected_generation: generation,
        actual_generation: Generation::NONE,
        expected_head,
        actual_head: Txid::ZERO,
    }
}

impl State {
    /// The lease's database, if the lease still holds.
    pub(super) fn held(
        &mut self,
        lease: &Lease,
        expected_head: Txid,
    ) -> Result<&mut Database, StoreError> {
        let own = lease.state::<LeaseState>().ok_or_else(|| StoreError::Invalid {
            reason: "the lease was made by another store".into(),
        })?;
        if own.released.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        let Some(database) = self.databases.get_mut(lease.actor()) else {
            return Err(deleted(lease.actor(), lease.generation(), expected_head));
        };
        if database.generation != lease.generation() {
            return Err(database.fenced(lease, expected_head));
        }
        Ok(database)
    }

    /// Whether a lease of that generation may be gone on with.
    pub(super) fn check_resume(
        &self,
        actor: &ActorId,
        generation: Generation,
    ) -> Result<(), StoreError> {
        let Some(database) = self.databases.get(actor) else {
            return Err(match self.deleted.get(actor) {
                Some(&last) if generation <= last => deleted(actor, generation, Txid::ZERO),
                _ => StoreError::NotFound { actor: actor.clone() },
            });
        };
        if database.generation == generation {
            return Ok(());
        }
        Err(StoreError::Fenced {
            actor: actor.clone(),
            expected_generation: generation,
            actual_generation: database.generation,
            expected_head: Txid::ZERO,
            actual_head: database.head.txid,
        })
    }

    /// The ticket of a commit that is ordered now.
    pub(super) fn order(&mut self) -> Ticket {
        self.ordered = Ticket(self.ordered.0 + 1);
        if !self.holding {
            self.durable = self.ordered;
        }
        self.ordered
    }
}
