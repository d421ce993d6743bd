//! The one table from a store's error to what SQLite is told.

use std::ffi::c_int;

use actor_sqlite_pagestore::StoreError;
use libsqlite3_sys as ffi;

/// What SQLite was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Opening a file.
    Open,
    /// `xRead`.
    Read,
    /// `xWrite`.
    Write,
    /// `xWrite` that sent pages of the transaction to the store. After an error it must end, and
    /// only `FULL` and the I/O errors make SQLite end it (`pager_error`, `isSpecialError`).
    Stage,
    /// `xTruncate`.
    Truncate,
    /// `xFileSize`.
    Size,
    /// `xLock`.
    Lock,
    /// `xDelete`.
    Delete,
    /// `xAccess`.
    Access,
    /// `BEGIN_ATOMIC_WRITE`, `COMMIT_ATOMIC_WRITE`, and a sync.
    Commit,
}

impl Class {
    /// The code of a failure that has no better one.
    ///
    /// A commit never answers an I/O error: SQLite would commit a second time through the journal.
    /// Nor `BUSY`, which keeps the transaction open. Any other code makes `sqlite3VdbeHalt` roll
    /// back, and `SQLITE_ABORT` says just that.
    pub fn code(self) -> c_int {
        match self {
            Self::Open => ffi::SQLITE_CANTOPEN,
            Self::Read => ffi::SQLITE_IOERR_READ,
            Self::Write | Self::Stage => ffi::SQLITE_IOERR_WRITE,
            Self::Truncate => ffi::SQLITE_IOERR_TRUNCATE,
            Self::Size => ffi::SQLITE_IOERR_FSTAT,
            Self::Lock => ffi::SQLITE_IOERR_LOCK,
            Self::Delete => ffi::SQLITE_IOERR_DELETE,
            Self::Access => ffi::SQLITE_IOERR_ACCESS,
            Self::Commit => ffi::SQLITE_ABORT,
        }
    }
}

/// The SQLite code for a store's error in a callback of that class.
pub(crate) fn code_of(error: &StoreError, class: Class) -> c_int {
    match (error, class) {
        (StoreError::Corrupt { .. }, Class::Read | Class::Commit) => ffi::SQLITE_CORRUPT,
        (StoreError::Fenced { .. }, Class::Commit) => ffi::SQLITE_READONLY_DBMOVED,
        (
            StoreError::Limit { .. } | StoreError::Quota { .. } | StoreError::Full { .. },
            Class::Write | Class::Stage | Class::Commit,
        ) => ffi::SQLITE_FULL,
        (StoreError::Invalid { .. }, Class::Write | Class::Truncate | Class::Commit) => {
            ffi::SQLITE_MISUSE
        }
        _ => class.code(),
    }
}

/// Whether a handle that met this error is over: what it would read or commit next could rest on
/// a state that is not the store's.
///
/// Not so after `Corrupt`, which leaves the rest readable, and after `Limit`, `Quota`, `Full`,
/// `Unavailable` and `Invalid`, which changed nothing. An error of a kind unknown here is taken for the worst.
pub(crate) fn poisons(error: &StoreError) -> bool {
    !matches!(
        error,
        StoreError::Corrupt { .. }
            | StoreError::Limit { .. }
            | StoreError::Quota { .. }
            | StoreError::Full { .. }
            | StoreError::Unavailable { .. }
            | StoreError::Invalid { .. }
    )
}
