//! How a mount uses memory and reads.

use std::path::PathBuf;
use std::sync::Arc;

use actor_sqlite_ltx::PageSize;
use actor_sqlite_pagestore::{ClaimOptions, Clock};

/// What a mount is given beside its claim.
#[derive(Clone)]
pub struct MountOptions {
    /// For the durations of commit phases.
    pub clock: Arc<dyn Clock>,
    /// Memory for the journal and temporary files, in bytes. What goes beyond goes to disk.
    pub scratch_bytes_max: u64,
    /// The most that may go to disk, in bytes: a statement that needs more is
    /// [`StoreError::Limit`]. `None` is no limit.
    ///
    /// [`StoreError::Limit`]: actor_sqlite_pagestore::StoreError::Limit
    pub scratch_disk_bytes_max: Option<u64>,
    /// Where that is: a directory for anonymous files.
    pub scratch_dir: PathBuf,
    /// The most bytes of pages that a transaction holds in memory, beside SQLite's own cache: what
    /// goes beyond is staged. No more than [`Claim::commit_bytes_max`] in any case.
    ///
    /// [`Claim::commit_bytes_max`]: actor_sqlite_pagestore::Claim::commit_bytes_max
    pub write_set_bytes_max: u64,
    /// How to read.
    pub reads: ReadOptions,
}

impl MountOptions {
    /// What [`Self::write_set_bytes_max`] is by default.
    pub const WRITE_SET_BYTES_MAX: u64 = 16 << 20;

    /// Scratch without a limit on disk, and a write set of the default size.
    pub fn new(clock: Arc<dyn Clock>, scratch_bytes_max: u64, scratch_dir: PathBuf) -> Self {
        Self {
            clock,
            scratch_bytes_max,
            scratch_disk_bytes_max: None,
            scratch_dir,
            write_set_bytes_max: Self::WRITE_SET_BYTES_MAX,
            reads: ReadOptions::default(),
        }
    }
}

/// How a mount reads pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// The most pages that one read of the store brings beside the one asked for, when a scan is
    /// under way. They are never more than 2 MiB or an eighth of the page cache. 0 for none.
    pub read_ahead_pages_max: u32,
    /// The most bytes of pages that the hints for the next claim may name: as much as that will ask
    /// for ([`ClaimOptions::preload_bytes_max`]). 0 for none: nothing is learned or saved.
    pub hint_bytes_max: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { read_ahead_pages_max: 511, hint_bytes_max: ClaimOptions::PRELOAD_BYTES_MAX }
    }
}

impl ReadOptions {
    pub(crate) fn hint_pages_max(&self, page_size: PageSize) -> usize {
        usize::try_from(self.hint_bytes_max / page_size.bytes() as u64).unwrap_or(usize::MAX)
    }
}
