//! What can go wrong in a page store, in kinds a caller treats differently.

use actor_sqlite_ltx::Txid;

use crate::{ActorId, CommitId, Generation};

/// A failed operation of a [`crate::PageStore`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else claimed the database, or deleted it: this lease is over.
    #[error(
        "{actor} was {}: this handle has generation {} and head \
         {expected_head}, the store has generation {} and head {actual_head}",
        if *actual_generation == Generation::NONE { "deleted" } else { "claimed by another owner" },
        expected_generation.0, actual_generation.0
    )]
    Fenced {
        /// Whose database.
        actor: ActorId,
        /// The lease's generation.
        expected_generation: Generation,
        /// The store's generation; [`Generation::NONE`] if the database was deleted.
        actual_generation: Generation,
        /// The head the lease last saw.
        expected_head: Txid,
        /// The store's head.
        actual_head: Txid,
    },
    /// The store could not be reached; nothing was changed, and a later try may succeed.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// What the layer below said.
        reason: String,
    },
    /// The answer to a commit was lost and asking for it failed as well.
    #[error("{actor}: the outcome of commit {}.{} is unknown: {reason}", commit_id.generation.0, commit_id.sequence)]
    UnknownCommit {
        /// Whose database.
        actor: ActorId,
        /// The commit.
        commit_id: CommitId,
        /// What the layer below said.
        reason: String,
    },
    /// Stored bytes are wrong. Nothing was healed.
    #[error("{actor}: row {row} is corrupt: {reason}")]
    Corrupt {
        /// Whose database.
        actor: ActorId,
        /// The row, in words: `DELTA 12 chunk 0`.
        row: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A transaction or a row is larger than the store takes; nothing was changed.
    #[error("{what} is {actual}, more than {limit}")]
    Limit {
        /// What is too large, with its unit: `bytes of a commit`.
        what: &'static str,
        /// How large it is.
        actual: u64,
        /// The largest the store takes.
        limit: u64,
    },
    /// The database, or all of its namespace, would store more than its quota; nothing was changed.
    /// Reading goes on, and so do commits that free: see [`crate::CommitRequest::frees`].
    #[error("{actor}: {scope} would store {stored_bytes} bytes, its quota is {quota_bytes}")]
    Quota {
        /// Whose database.
        actor: ActorId,
        /// Whose quota.
        scope: QuotaScope,
        /// Keys and values there would be, in bytes.
        stored_bytes: u64,
        /// The most there may be.
        quota_bytes: u64,
    },
    /// The store's disk is full; nothing was changed. Reading goes on, and so does writing once
    /// there is room.
    #[error("the store is full: {reason}")]
    Full {
        /// What the layer below said.
        reason: String,
    },
    /// There is no such database, and the claim was not to make one.
    #[error("there is no database {actor}")]
    NotFound {
        /// The name that was asked for.
        actor: ActorId,
    },
    /// A sync of the store failed: what was ordered after the last good one may be lost, and every
    /// handle is over.
    #[error("the store stopped: {reason}")]
    Dead {
        /// What the layer below said.
        reason: String,
    },
    /// The store is held by another process.
    #[error("the store at {path} is in use by {holder}")]
    InUse {
        /// The store's directory.
        path: String,
        /// Who holds it.
        holder: String,
    },
    /// The lease was released or the store was closed.
    #[error("the handle is closed")]
    Closed,
    /// The caller asked for something that makes no sense: a bug on its side, or a bad setting.
    #[error("{reason}")]
    Invalid {
        /// What is wrong with which argument.
        reason: String,
    },
}

/// Whose quota a commit would have exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaScope {
    /// The database's own.
    Actor,
    /// That of all databases of its namespace together.
    Namespace,
}

impl std::fmt::Display for QuotaScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Actor => "the database",
            Self::Namespace => "its namespace",
        })
    }
}
