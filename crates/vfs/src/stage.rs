//! Pages of a running transaction that went to the store because the write set was full.
//!
//! ```text
//!           stage                    the commit landed
//!   None ─────────▶ Open ───────────────────────────────────▶ None
//!                    │ │  rolled back, closed: discard         ▲
//!       stage failed │ └───────────────────────────────────────┤
//!                    └────────▶ Lost ──────────────────────────┘
//! ```
//!
//! What is staged is the transaction's until its commit or its end. A lost stage takes the
//! transaction with it: nothing more of it is written or committed.

use std::sync::atomic::{AtomicU64, Ordering};

use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{CommitId, PageSink, StageRequest, StoreError};

use crate::code::Class;
use crate::frame::Frame;
use crate::main_file::MainFile;
use crate::page_cache::Cached;
use crate::shared::Failed;

/// The sequence of the commit id under which something is staged. Shared with the mount, which may
/// be closed under its connection.
#[derive(Default)]
pub(crate) struct OpenStage(AtomicU64);

impl OpenStage {
    /// Nothing is staged: commit ids begin with 1.
    const NONE: u64 = 0;

    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::Relaxed) != Self::NONE
    }

    /// Ends the stage. Who gets the sequence has to discard it, once, unless it was committed.
    pub fn take(&self) -> Option<u64> {
        Some(self.0.swap(Self::NONE, Ordering::Relaxed)).filter(|sequence| *sequence != Self::NONE)
    }

    fn open(&self, sequence: u64) {
        self.0.store(sequence, Ordering::Relaxed);
    }
}

impl MainFile {
    /// The id that the transaction will be committed with.
    pub(crate) fn commit_id(&self) -> CommitId {
        CommitId { generation: self.lease.generation(), sequence: self.sequence }
    }

    /// Sends the write set to the store if it has no room for another page.
    pub(crate) fn make_room(&mut self, pgno: Pgno) -> Result<(), Failed> {
        let full = self.write_set.len() >= self.write_set_pages_max && !self.write_set.holds(pgno);
        if !full && self.stage_lost.is_none() {
            return Ok(());
        }
        // An I/O error in an atomic write would make SQLite write it all a second time.
        let class = if self.atomic { Class::Commit } else { Class::Stage };
        self.stage().map_err(|error| self.shared.fail(error, class))
    }

    /// Sends all that is written, but for page 1. The frames go to the page cache, apart from those of
    /// the committed state, for as long as it keeps them.
    pub(crate) fn stage(&mut self) -> Result<(), StoreError> {
        self.check_stage()?;
        let pages: Vec<_> = self.write_set.to_stage().collect();
        if pages.is_empty() {
            return Ok(());
        }
        let count = pages.len() as u64;
        let request = StageRequest {
            commit_id: self.commit_id(),
            expected_head: self.head.txid,
            pages: &pages,
        };
        if !self.shared.stage.is_open() {
            self.staged_cache = self.cache.apart();
        }
        self.shared.stage.open(self.sequence);
        if let Err(error) = self.store.stage(&self.lease, &request) {
            self.stage_lost = Some(error.clone());
            return Err(error);
        }
        drop(pages);
        for (pgno, frame) in self.write_set.set_staged() {
            self.staged_cache.insert(pgno, frame);
        }
        let counters = &self.shared.counters;
        counters.stages.add(1);
        counters.pages_staged.add(count);
        counters.bytes_staged.add(count * self.page_size().bytes() as u64);
        self.count_dirty();
        Ok(())
    }

    /// Refuses, if what was staged is lost.
    pub(crate) fn check_stage(&self) -> Result<(), StoreError> {
        self.stage_lost.clone().map_or(Ok(()), Err)
    }

    /// Adds the zeros that the commit must hold. What they push out of the write set is staged, so
    /// that a file that grew a lot takes no more memory than another.
    pub(crate) fn seal(&mut self) -> Result<(), StoreError> {
        let mut from = 0;
        while let Some(next) = self.write_set.seal(from, self.write_set_pages_max) {
            self.stage()?;
            from = next;
        }
        Ok(())
    }

    /// Reads a part of a page that is staged.
    pub(crate) fn read_staged(
        &self,
        pgno: Pgno,
        within: usize,
        out: &mut [u8],
    ) -> Result<(), Failed> {
        let fail = |error| self.shared.fail(error, Class::Read);
        self.check_stage().map_err(fail)?;
        if let Some(Cached { frame, .. }) = self.staged_cache.get(pgno) {
            out.copy_from_slice(&frame.bytes()[within..within + out.len()]);
            return Ok(());
        }
        let mut sink = One { pgno, frame: Frame::zeroed(self.page_size().bytes()), filled: false };
        self.store.read_staged(&self.lease, self.commit_id(), &[pgno], &mut sink).map_err(fail)?;
        if !sink.filled {
            let reason = format!("the store answered without the staged page {pgno}");
            return Err(fail(StoreError::Invalid { reason }));
        }
        self.shared.counters.staged_reads.add(1);
        out.copy_from_slice(&sink.frame.bytes()[within..within + out.len()]);
        self.staged_cache.insert(pgno, sink.frame);
        Ok(())
    }

    /// Gives the stage up, if one is open. The id is not used again.
    ///
    /// Not for a dead handle: whether its commit landed may be unknown, and a stage that was not
    /// committed is the next owner's to clear away.
    pub(crate) fn discard_stage(&mut self) {
        self.stage_lost = None;
        let Some(sequence) = self.shared.stage.take() else { return };
        self.sequence = self.sequence.max(sequence + 1);
        for pgno in self.write_set.staged().iter() {
            self.staged_cache.remove(pgno);
        }
        if self.shared.poison().is_none() {
            let commit_id = CommitId { sequence, ..self.commit_id() };
            self.store.discard(&self.lease, commit_id);
        }
    }
}

/// Takes one page and nothing else.
struct One {
    pgno: Pgno,
    frame: Frame,
    filled: bool,
}

impl PageSink for One {
    fn buffer(&mut self, pgno: Pgno) -> Option<&mut [u8]> {
        if pgno != self.pgno {
            return None;
        }
        self.filled = true;
        self.frame.bytes_mut()
    }
}
