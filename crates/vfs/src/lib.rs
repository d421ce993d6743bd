//! SQLite's file system over a page store.
//!
//! A [`Mount`] is one claimed database. SQLite opens it under the mount's name through the VFS that
//! [`register`] makes known, and reads and writes its pages through the [`PageStore`] of the claim:
//! what a transaction writes is its write set, a commit is one request, and the committed write set
//! becomes page cache without a copy. Journals and temporary files are scratch, never in the store.
//!
//! This crate knows no key-value store, no network, no async runtime, and not whose SQLite it runs
//! in. What it relies on:
//! - One owner: a mount is opened by one connection at a time, and its locks do nothing.
//! - All that was written since the last commit is the transaction. It is committed by
//!   `COMMIT_ATOMIC_WRITE` or by the sync of the main file, and dropped in every other case.
//! - A failed commit never answers an I/O error code, which would make SQLite commit once more.
//!
//! `docs/VFS.md` has the reasons. Scenarios with SQLite are in `tests/`.
//!
//! [`PageStore`]: actor_sqlite_pagestore::PageStore

mod btree;
mod code;
mod commit;
mod fetch;
mod ffi;
mod frame;
mod header;
mod hints;
mod journal;
mod main_file;
mod metrics;
mod mount;
mod open_file;
mod options;
mod page_cache;
mod page_set;
mod pragma;
mod probe;
mod read;
mod read_ahead;
mod registry;
mod scratch;
mod shared;
mod stage;
mod tally;
mod tree;
mod write_set;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod hints_test;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod model_test;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod read_ahead_test;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod scratch_test;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod write_set_test;

pub use ffi::{RegisterError, register};
pub use metrics::{CommitPhaseTotals, VfsMetrics};
pub use mount::{KeptPages, Mount, MountError};
pub use options::{MountOptions, ReadOptions};
pub use page_cache::{PageCache, PageCacheMetrics};
pub use probe::{ProbeError, probe};
