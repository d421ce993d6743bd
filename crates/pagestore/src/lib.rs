//! The contract between SQLite's side and the storage side: a store of the pages of many
//! databases, each owned by one lease at a time.
//!
//! `vfs` and `session` see a [`PageStore`]; `engine` is one over a key-value store, `client` one
//! over a network. Small and synchronous: SQLite blocks in its callbacks anyway. This crate knows
//! neither SQLite nor keys nor sockets. The [`conformance`] suite is what every implementation runs.

#![forbid(unsafe_code)]

mod actor;
mod admin;
mod clock;
pub mod conformance;
mod contract;
mod error;
mod forward;
mod hints;
mod lease;
mod mem;

pub use actor::{ActorId, InvalidActorId};
pub use admin::{ActorStat, Damage, Deletion, ListRequest, PageStoreAdmin, VerifyReport};
pub use clock::Clock;
pub use contract::{
    Claim, ClaimOptions, CommitPhases, CommitRequest, Committed, DurableCallback, PageSink,
    PageStore, Resolution, StageRequest, quota_reserve_bytes,
};
pub use error::{QuotaScope, StoreError};
pub use hints::{HintRange, Hints};
pub use lease::{CommitId, Generation, Head, Lease, Ticket};
pub use mem::{MemCounts, MemPageStore};

#[doc(hidden)]
pub use actor_sqlite_ltx::{Pgno, Txid};
