//! What can go wrong in a session.

use actor_sqlite_pagestore::StoreError;

use crate::raw::RawError;

/// A failed command.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// SQLite refused: bad SQL, a constraint, a limit, an interrupt.
    #[error("{message}")]
    Sqlite {
        /// The extended result code.
        code: i32,
        /// SQLite's own message, verbatim.
        message: String,
        /// Where in the SQL text the error is, in bytes; `None` where SQLite does not know.
        offset: Option<usize>,
        /// Which entry of a batch or statement of a script failed, from 0.
        statement_index: Option<usize>,
    },
    /// The store failed under SQLite, or under the answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The command's time was over; what it did was undone.
    #[error("the command took longer than {timeout_ms} ms")]
    Timeout {
        /// The time it had.
        timeout_ms: u64,
    },
    /// The command was interrupted or aborted before its end; what it did was undone.
    #[error("the command was interrupted")]
    Interrupted,
    /// The transaction the command belongs to is over: it was committed, or rolled back by SQLite.
    #[error("the transaction is over: {reason}")]
    TransactionOver {
        /// What ended it.
        reason: String,
    },
    /// The parameters do not fit the statement.
    #[error("{reason}")]
    Parameters {
        /// Which, and why.
        reason: String,
    },
    /// The statement does not fit the call: several statements, none, or rows where none are wanted.
    #[error("{reason}")]
    Usage {
        /// Why.
        reason: String,
    },
    /// The session is closed.
    #[error("the database is closed")]
    Closed,
    /// More commands are waiting than the session takes.
    #[error("{waiting} commands are waiting, the most this database takes")]
    QueueFull {
        /// How many.
        waiting: usize,
    },
    /// A bug: the code panicked. The database is dead until opened again, others are unharmed.
    #[error("internal error: {reason}")]
    Panicked {
        /// The panic's message.
        reason: String,
    },
    /// The connection cannot be set up as it must be: the batch-atomic probe failed, say.
    #[error("SQLite cannot be used: {reason}")]
    Unusable {
        /// Why.
        reason: String,
    },
}

impl From<RawError> for SessionError {
    fn from(error: RawError) -> Self {
        let RawError { code, message, offset } = error;
        Self::Sqlite { code, message, offset, statement_index: None }
    }
}
