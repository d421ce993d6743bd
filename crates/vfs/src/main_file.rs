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
use actor_sqlite_pagestore::{Clock, Head, Lease, PageSink, PageStore, StoreError, Ticket};

use crate::code::Class;
use crate::frame::Frame;
use crate::page_cache::MountCache;
use crate::shared::{Failed, Shared};
use crate::write_set::{Place, WriteSet};

/// The bytes at the start of page 1 that SQLite reads again and again: 100 when it opens a
/// database, 16 of them at the start of each transaction (`sqlite3PagerSharedLock`).
pub(crate) const HEADER_BYTES: usize = 100;

/// The most neighbours of a page that are kept if the store offers them.
const NEIGHBOURS_MAX: usize = 64;

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

/// How a read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    /// The buffer is full.
    Full,
    /// The file ends before the buffer does: the rest is zeros.
    Short,
}

impl MainFile {
    /// Reads bytes at any offset, and fills what is beyond the end with zeros.
    pub(crate) fn read(&mut self, offset: u64, out: &mut [u8]) -> Result<ReadOutcome, Failed> {
        self.shared.check(Class::Read)?;
        if self.read_header(offset, out) {
            return Ok(ReadOutcome::Full);
        }
        let page_bytes = self.page_size().bytes() as u64;
        let mut done = 0;
        while done < out.len() {
            let at = offset + done as u64;
            let within = (at % page_bytes) as usize;
            let step = (page_bytes as usize - within).min(out.len() - done);
            let part = &mut out[done..done + step];
            let pgno = u32::try_from(at / page_bytes + 1).ok().and_then(Pgno::new);
            let read = match pgno {
                Some(pgno) => self.read_part(pgno, within, part)?,
                None => false,
            };
            if !read {
                out[done..].fill(0);
                return Ok(ReadOutcome::Short);
            }
            done += step;
        }
        Ok(ReadOutcome::Full)
    }

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

    /// Takes pages that came with the claim.
    pub(crate) fn preload(&mut self, pages: Vec<(Pgno, Box<[u8]>)>) {
        for (pgno, page) in pages {
            self.remember_header(pgno, &page);
            self.cache.insert(pgno, Frame::copy_of(&page));
        }
    }

    /// Keeps the start of a committed page 1.
    pub(crate) fn remember_header(&mut self, pgno: Pgno, page: &[u8]) {
        if pgno == Pgno::ONE {
            self.header = page.first_chunk().copied();
        }
    }

    pub(crate) fn page_size(&self) -> PageSize {
        self.head.page_size
    }

    pub(crate) fn count_dirty(&self) {
        self.shared.counters.dirty_pages.set(self.write_set.len() as u64);
    }

    /// Answers from the committed header, if that is where the bytes are.
    fn read_header(&self, offset: u64, out: &mut [u8]) -> bool {
        let Some(header) = self.header.as_ref().filter(|_| self.write_set.is_clean()) else {
            return false;
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = start.checked_add(out.len()).and_then(|end| header.get(start..end));
        bytes.map(|bytes| out.copy_from_slice(bytes)).is_some()
    }

    /// Reads a part of one page; `false` if the page is beyond the end.
    fn read_part(&mut self, pgno: Pgno, within: usize, out: &mut [u8]) -> Result<bool, Failed> {
        let range = within..within + out.len();
        match self.write_set.place(pgno) {
            Place::Written(frame) => out.copy_from_slice(&frame.bytes()[range]),
            Place::Zero => out.fill(0),
            Place::Base => out.copy_from_slice(&self.base_page(pgno)?.bytes()[range]),
            Place::Beyond => return Ok(false),
        }
        Ok(true)
    }

    /// A page of the committed state, from the cache or the store.
    fn base_page(&mut self, pgno: Pgno) -> Result<Frame, Failed> {
        if let Some(frame) = self.cache.get(pgno) {
            self.shared.counters.cache_hits.add(1);
            return Ok(frame);
        }
        self.shared.counters.cache_misses.add(1);
        let mut fetch = Fetch {
            wanted: pgno,
            page_bytes: self.page_size().bytes(),
            size: self.head.size,
            cache: &self.cache,
            frames: Vec::with_capacity(1),
        };
        let result = self.store.read(&self.lease, self.head.txid, &[pgno], &mut fetch);
        let frames = std::mem::take(&mut fetch.frames);
        if let Err(error) = result {
            return Err(self.shared.fail(error, Class::Read));
        }
        let mut found = None;
        for (at, frame) in frames {
            self.shared.counters.bytes_read.add(frame.bytes().len() as u64);
            self.remember_header(at, frame.bytes());
            self.cache.insert(at, frame.clone());
            if at == pgno {
                found = Some(frame);
            } else {
                self.shared.counters.pages_prefetched.add(1);
            }
        }
        let reason = || format!("the store answered a read without page {pgno}");
        found.ok_or_else(|| self.shared.fail(StoreError::Invalid { reason: reason() }, Class::Read))
    }
}

/// Takes one page from the store, and the neighbours worth keeping.
struct Fetch<'a> {
    wanted: Pgno,
    page_bytes: usize,
    size: u32,
    cache: &'a MountCache,
    frames: Vec<(Pgno, Frame)>,
}

impl Fetch<'_> {
    /// Whether a page that nobody asked for is worth its memory: not in the cache yet, and no more
    /// of them than an eighth of the cache.
    fn keeps(&self, pgno: Pgno) -> bool {
        let bytes = (self.frames.len() * self.page_bytes) as u64;
        pgno.get() <= self.size
            && self.frames.len() <= NEIGHBOURS_MAX
            && bytes < self.cache.capacity_bytes() / 8
            && !self.cache.contains(pgno)
    }
}

impl PageSink for Fetch<'_> {
    fn buffer(&mut self, pgno: Pgno) -> Option<&mut [u8]> {
        let known = self.frames.iter().any(|(at, _)| *at == pgno);
        if known || (pgno != self.wanted && !self.keeps(pgno)) {
            return None;
        }
        self.frames.push((pgno, Frame::zeroed(self.page_bytes)));
        self.frames.last_mut().and_then(|(_, frame)| frame.bytes_mut())
    }
}
