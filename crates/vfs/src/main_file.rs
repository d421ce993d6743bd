//! The main database file: SQLite's reads and writes in terms of pages.
//!
//! ```text
//!               xWrite, xTruncate                 the first write of a playback, its SYNC,
//!        ┌────────────────────────┐               ROLLBACK_ATOMIC, xUnlock, xClose
//!        │                        ▼               ┌──────────────┐
//!      Clean ◀─────────────── Written ────────────┘ → Clean, base restored
//!        ▲   COMMIT_ATOMIC,       │  └─▶ Staged: the write set was full, its pages are sent
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
use crate::tally::Tally;
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
    /// Pages of the stage that is open.
    pub(crate) staged_cache: MountCache,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) head: Head,
    pub(crate) ticket: Ticket,
    pub(crate) write_set: WriteSet,
    /// How many pages the write set holds before they are staged.
    pub(crate) write_set_pages_max: usize,
    /// Why the stage of the transaction is lost, if it is.
    pub(crate) stage_lost: Option<StoreError>,
    /// Between `BEGIN_ATOMIC_WRITE` and its end.
    pub(crate) atomic: bool,
    /// The most pages that one read brings beside the one asked for; 0 for none.
    pub(crate) read_ahead_pages_max: u32,
    /// Of the pages that came with the claim.
    pub(crate) hinted: Arc<Tally>,
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
        if self.drops_playback() {
            return Ok(());
        }
        self.make_room(pgno)?;
        self.write_set.put(pgno, page);
        self.shared.counters.pages_written.add(1);
        self.count_dirty();
        Ok(())
    }

    /// Whether SQLite is playing its journal back into the file. What it writes is the base of the
    /// transaction, so the whole transaction is dropped at its first word and the rest is not kept.
    fn drops_playback(&mut self) -> bool {
        let playback = self.shared.journal.was_played_back();
        if playback {
            self.roll_back();
        }
        playback
    }

    /// Sets the size of the file.
    pub(crate) fn truncate(&mut self, bytes: u64) -> Result<(), Failed> {
        self.shared.check(Class::Truncate)?;
        let page_bytes = self.page_size().bytes() as u64;
        match u32::try_from(bytes / page_bytes) {
            Ok(size) if bytes.is_multiple_of(page_bytes) => {
                if self.drops_playback() {
                    return Ok(());
                }
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

    /// Whether the file is exactly the committed state, and nothing is staged.
    pub(crate) fn is_clean(&self) -> bool {
        self.write_set.is_clean() && !self.shared.stage.is_open()
    }

    /// Drops all that was written since the last commit.
    pub(crate) fn roll_back(&mut self) {
        self.atomic = false;
        if self.is_clean() {
            return;
        }
        self.discard_stage();
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
