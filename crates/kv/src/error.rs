//! What can go wrong in a key-value store.

/// A failed operation of a [`crate::Kv`]. Each variant is one that a caller treats differently.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KvError {
    /// A guard of the batch did not hold; nothing was written.
    #[error("guard {index} of the batch does not hold")]
    GuardFailed {
        /// The position of the guard in the batch.
        index: usize,
        /// What its key holds instead; `None` if it is absent.
        actual: Option<Vec<u8>>,
    },
    /// The store could not be reached or is overloaded; nothing was written, and a later try may
    /// succeed.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// The driver's own words.
        reason: String,
    },
    /// The store's disk is full, or about to be; nothing was written. Reading goes on, and so does
    /// writing once there is room.
    #[error("the store is full: {reason}")]
    Full {
        /// How much room there is and how much is kept free, or the driver's own words.
        reason: String,
    },
    /// The answer to a commit was lost: it may or may not have landed.
    #[error("the outcome of a commit is unknown: {reason}")]
    UnknownOutcome {
        /// The driver's own words.
        reason: String,
    },
    /// A key, value or batch is larger than [`crate::Limits`] allows; nothing was written.
    #[error("{what} of {bytes} bytes is larger than {limit}")]
    TooLarge {
        /// `key`, `value` or `batch`.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The largest size.
        limit: usize,
    },
    /// The store itself found its files damaged.
    #[error("the store's files are damaged: {reason}")]
    Damaged {
        /// The driver's own words.
        reason: String,
    },
    /// A sync failed: what was ordered after the last good one may be lost, and the store takes no
    /// more work until it is opened again.
    #[error("the store stopped after a failed sync: {reason}")]
    Dead {
        /// The driver's own words.
        reason: String,
    },
    /// Another process holds the store.
    #[error("the store at {path} is in use by {holder}")]
    InUse {
        /// The store's directory.
        path: String,
        /// Who holds it: process id, host and start, as far as is known.
        holder: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The store cannot be opened with these settings.
    #[error("the store cannot be opened: {reason}")]
    Invalid {
        /// What is wrong with which setting.
        reason: String,
    },
}
