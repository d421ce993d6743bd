//! The main database file: SQLite's reads and writes in terms of pages.
//!
//! ```text
//!               xWrite, xTruncate                 SYNC after a playback,
//!        ┌────────────────────────┐               ROLLBACK_ATOMIC, xUnlock, xClose
//!        │                        ▼               ┌──────────────┐
//!      Clean ◀─────────────── Written ────────────┘ → Clean, base restored
//!        ▲   COMMIT_ATOMIC,       │
//!        │   SYNC: ordered        │ the store refused
//!        └────────────────────────┴──▶ Written: SQLite rolls back ──▶ Clean
//!                                 └──▶ Poisoned, if the outcome or the ownership is in doubt
//! ```
//!
//! `BEGIN_ATOMIC_WRITE` is no transition: all that was written since the last commit is the
//! transaction. Plain Rust over a [`PageStore`], so that it can be tested without SQLite.

use std::sync::Arc;

use actor_sqlite_ltx::{PageSize, Pgno};
use actor_sqlite_pagestore::{Clock, Head, Lease, PageStore, StoreError, Ticket};

use crate::code::Class;
use crate::page_cache::MountCache;
use crate::shared::{Failed, Shared};
use crate::write_set::WriteSet;

/// The bytes at the start of page 1 that SQLite reads again and again: 100 when it opens a
/// database, 16 of them at the start of each transaction (`sqlite3PagerSharedLock`).
pub(crate) const HEADER_BYTES: usize = 100;

/// An open main database file. One thread at a time calls it.
pub(crate) struct MainFile {
    pub(crate) store: Arc<dyn PageStore>,
    pub(crate) lease: Lease,
    pub(crate) shared: Arc<Shared>,
    pub(crate) cache: MountCache,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) head: Head,
    pub(crate) ticket: Ticket,
    pub(crate) write_set: WriteSet,
    /// The largest commit that the store takes, in bytes of pages, and so the most that is held.
    pub(crate) commit_bytes_max: u64,
    /// The start of page 1 of the committed state.
    pub(crate) header: Option<[u8; HEADER_BYTES]>,
    /// The count of the next commit id.
    pub(crate) sequence: u64,
}

impl MainFile {
    /// Writes one page. SQLite writes nothing else, unless the page size is not the database's.
    pub(crate) fn write(&mut self, offset: u64, page: &[u8]) -> Result<(), Failed> {
        self.shared.check(Class::Write)?;
        let page_bytes = self.page_size().bytes();
        let pgno = u32::try_from(offset / page_bytes as u64 + 1).ok().and_then(Pgno::new);
        let (Some(pgno), true, 0) = (pgno, page.len() == page_bytes, offset % page_bytes as u64)
        else {
            let length = page.len();
            let reason = format!(
                "a write of {length} bytes at {offset}: the database has pages of {page_bytes} bytes"
            );
            return Err(self.shared.fail(StoreError::Invalid { reason }, Class::Write));
        };
        if !self.write_set.holds(pgno)
            && let Err(error) = self.check_commit_pages(self.write_set.len() as u64 + 1)
        {
            // A playback must not fail. Its sync drops the write set, so that what it writes back
            // is the base, which shows then.
            if self.shared.journal.was_played_back() {
                return Ok(());
            }
            return Err(self.shared.fail(error, Class::Write));
        }
        self.write_set.put(pgno, page);
        self.shared.counters.pages_written.add(1);
        self.count_dirty();
        Ok(())
    }

    /// Refuses more pages than one commit may hold. Pages that spilled wait here, so without this
    /// one statement could take all the memory there is.
    pub(crate) fn check_commit_pages(&self, pages: u64) -> Result<(), StoreError> {
        let actual = pages.saturating_mul(self.page_size().bytes() as u64);
        let limit = self.commit_bytes_max;
        if actual > limit {
            return Err(StoreError::Limit { what: "bytes of a commit", actual, limit });
        }
        Ok(())
    }

    /// Sets the size of the file.
    pub(crate) fn truncate(&mut self, bytes: u64) -> Result<(), Failed> {
        self.shared.check(Class::Truncate)?;
        let page_bytes = self.page_size().bytes() as u64;
        match u32::try_from(bytes / page_bytes) {
            Ok(size) if bytes.is_multiple_of(page_bytes) => {
                self.write_set.truncate(size);
                self.count_dirty();
                Ok(())
            }
            _ => {
                let reason = format!("a file size of {bytes} bytes in pages of {page_bytes}");
                Err(self.shared.fail(StoreError::Invalid { reason }, Class::Truncate))
            }
        }
    }

    /// The size of the file in bytes, with all that was written.
    pub(crate) fn size(&self) -> u64 {
        u64::from(self.write_set.size()) * self.page_size().bytes() as u64
    }

    /// Drops all that was written since the last commit.
    pub(crate) fn roll_back(&mut self) {
        if self.write_set.is_clean() {
            return;
        }
        self.write_set.reset(self.head.size);
        self.shared.counters.rollbacks.add(1);
        self.count_dirty();
    }

    pub(crate) fn page_size(&self) -> PageSize {
        self.head.page_size
    }

    pub(crate) fn count_dirty(&self) {
        self.shared.counters.dirty_pages.set(self.write_set.len() as u64);
    }
}
