//! The right to read and write one database, and the numbers that travel with it.

use std::any::Any;
use std::sync::Arc;

use actor_sqlite_ltx::{Checksum, PageSize, Txid};

use crate::ActorId;

/// The fencing number of a lease: each claim of an actor takes a higher one, also after the database
/// was deleted and made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Generation(pub u64);

impl Generation {
    /// Never granted: the store's generation of a database that is not there.
    pub const NONE: Self = Self(0);
}

/// The name of one commit, chosen by the writer, by which a lost answer is resolved.
///
/// Unique for all time: a generation is granted once, and its owner counts its commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CommitId {
    /// The lease that commits.
    pub generation: Generation,
    /// 1 for the first commit of the lease; 0 only where nothing was ever committed.
    pub sequence: u64,
}

/// The place of an ordered commit in the store's log: see `wait_durable`.
///
/// Tickets of one store rise, and a durable ticket makes every lower one durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticket(pub u64);

impl Ticket {
    /// Durable from the start.
    pub const ZERO: Self = Self(0);
}

/// One committed state of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The state's number; 0 before the first commit.
    pub txid: Txid,
    /// Bytes a page.
    pub page_size: PageSize,
    /// The database's size in pages; 0 before the first commit.
    pub size: u32,
    /// The LTX database checksum of the state: XOR over its page checksums.
    pub checksum: Checksum,
}

/// The right to one database until somebody else claims it.
///
/// Cheap to clone. `state` is what the store keeps with the lease; nobody else looks into it.
#[derive(Clone)]
pub struct Lease {
    actor: ActorId,
    generation: Generation,
    state: Arc<dyn Any + Send + Sync>,
}

impl Lease {
    /// Made by stores, in `claim`.
    pub fn new(actor: ActorId, generation: Generation, state: Arc<dyn Any + Send + Sync>) -> Self {
        Self { actor, generation, state }
    }

    /// Whose database it is.
    pub fn actor(&self) -> &ActorId {
        &self.actor
    }

    /// The fencing number.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The store's own state, if it is of that type: if this store made the lease.
    pub fn state<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.state.downcast_ref()
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease")
            .field("actor", &self.actor)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
