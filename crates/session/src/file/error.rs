//! Why a file was not imported.

use actor_sqlite_pagestore::{ActorId, StoreError};

/// A failed import. Nothing of it is in the store.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file is no SQLite database, or a damaged one.
    #[error("the file cannot be imported: {reason}")]
    File {
        /// What is wrong with it.
        reason: String,
    },
    /// There is such a database, and it was not to be replaced.
    #[error("there is a database {actor} already")]
    Exists {
        /// Its name.
        actor: ActorId,
    },
    /// The file cannot replace the database that is there.
    #[error("the file cannot replace the database {actor}: {reason}; delete it first")]
    Replacement {
        /// Its name.
        actor: ActorId,
        /// Why not.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was told to stop.
    #[error("the import was stopped")]
    Stopped,
    /// SQLite could not be asked about the file.
    #[error("SQLite cannot check the file: {reason}")]
    Unchecked {
        /// What it said.
        reason: String,
    },
}

/// The error of a file.
pub(super) fn refused(reason: impl Into<String>) -> ImportError {
    ImportError::File { reason: reason.into() }
}
