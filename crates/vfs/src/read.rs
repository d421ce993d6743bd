//! Reads of the main file: the write set, then the page cache, then the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::StoreError;

use crate::btree::{children, may_be_interior};
use crate::code::Class;
use crate::fetch::{Committed, Fetch};
use crate::frame::Frame;
use crate::main_file::MainFile;
use crate::page_cache::Cached;
use crate::page_set::PageSet;
use crate::read_ahead::Plan;
use crate::shared::Failed;
use crate::tally::Tally;
use crate::write_set::Place;

/// The most bytes that one read brings: 32 of the largest pages.
const READ_AHEAD_BYTES_MAX: u64 = 2 << 20;

/// A read brings no more than this part of the page cache.
const CACHE_SHARE: u64 = 8;

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

    /// Takes pages that came with the claim.
    pub(crate) fn preload(&mut self, pages: Vec<(Pgno, Box<[u8]>)>) {
        for (pgno, page) in pages {
            self.remember_header(pgno, &page);
            if self.cache.contains(pgno) {
                continue;
            }
            let hinted = (pgno != Pgno::ONE).then(|| self.hinted.clone());
            self.shared.counters.hint_pages_preloaded.add(u64::from(hinted.is_some()));
            self.cache.insert_unused(pgno, Frame::copy_of(&page), hinted);
        }
    }

    /// Keeps the start of a committed page 1.
    pub(crate) fn remember_header(&mut self, pgno: Pgno, page: &[u8]) {
        if pgno == Pgno::ONE {
            self.header = page.first_chunk().copied();
        }
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
            Place::Staged => self.read_staged(pgno, within, out)?,
            Place::Zero => out.fill(0),
            Place::Base => out.copy_from_slice(&self.base_page(pgno)?.bytes()[range]),
            Place::Beyond => return Ok(false),
        }
        Ok(true)
    }

    /// A page of the committed state, from the cache or the store.
    fn base_page(&mut self, pgno: Pgno) -> Result<Frame, Failed> {
        let Some(Cached { frame, unused }) = self.cache.get(pgno) else {
            self.shared.counters.cache_misses.add(1);
            return self.missed(pgno);
        };
        self.shared.counters.cache_hits.add(1);
        if let Some(tally) = unused {
            self.first_use(pgno, frame.bytes(), &tally);
        }
        if may_be_interior(pgno, frame.bytes()) {
            self.learn(pgno, &frame);
        }
        Ok(frame)
    }

    /// Reads a page from the store, and with it those that are likely to be read next.
    ///
    /// A neighbour that cannot be read must not fail the page that was asked for: that is read once
    /// more, alone. Not if the store as a whole failed, which would only fail again.
    fn missed(&mut self, pgno: Pgno) -> Result<Frame, Failed> {
        let plan = self.plan(pgno);
        let fetched = match (self.fetch(pgno, &plan), &plan.tally) {
            (Err(StoreError::Corrupt { .. } | StoreError::Limit { .. }), Some(tally))
                if plan.pages.len() > 1 =>
            {
                if let Some(ahead) = &mut *self.shared.read_ahead() {
                    ahead.failed(tally);
                }
                self.fetch(pgno, &Plan { pages: vec![pgno], tally: None })
            }
            (fetched, _) => fetched,
        };
        let frame = fetched.map_err(|error| self.shared.fail(error, Class::Read))?;
        let is_interior = may_be_interior(pgno, frame.bytes());
        if is_interior {
            self.learn(pgno, &frame);
        }
        let brought = plan.tally.map_or(0, |tally| tally.brought());
        self.shared.learner().used(pgno, is_interior, brought);
        Ok(frame)
    }

    /// What to read for a miss.
    fn plan(&self, pgno: Pgno) -> Plan {
        let page_bytes = self.page_size().bytes() as u64;
        let share = self.cache.capacity_bytes() / CACHE_SHARE;
        let pages_max = (READ_AHEAD_BYTES_MAX / page_bytes - 1)
            .min(share / page_bytes)
            .min(u64::from(self.read_ahead_pages_max));
        if pages_max == 0 {
            return Plan { pages: vec![pgno], tally: None };
        }
        let base = self.committed();
        let mut ahead = self.shared.read_ahead();
        let ahead = ahead.get_or_insert_with(|| self.shared.new_read_ahead());
        ahead.plan(pgno, pages_max as usize, &base)
    }

    /// Takes note that a page is used which was brought without being asked for.
    fn first_use(&self, pgno: Pgno, page: &[u8], tally: &Arc<Tally>) {
        self.cache.mark_used(pgno);
        let is_hinted = Arc::ptr_eq(tally, &self.hinted);
        if is_hinted {
            self.shared.counters.hint_pages_used.add(1);
        } else if tally.counts_in(&self.shared.evicted_unused) {
            tally.add_used();
            self.shared.counters.pages_predicted_used.add(1);
            if let Some(ahead) = &mut *self.shared.read_ahead() {
                ahead.used(tally);
            }
        } else {
            // Brought by the mount that this one goes on with.
            return;
        }
        self.shared.learner().used(pgno, may_be_interior(pgno, page), tally.brought());
    }

    /// Takes note of an interior page, unless it is known.
    fn learn(&self, pgno: Pgno, frame: &Frame) {
        if self.read_ahead_pages_max == 0 {
            return;
        }
        let mut ahead = self.shared.read_ahead();
        let ahead = ahead.get_or_insert_with(|| self.shared.new_read_ahead());
        if !ahead.knows(pgno) {
            ahead.learn(pgno, children(pgno, frame.bytes(), self.head.size));
        }
    }

    /// Brings what is known of interior pages up to date with a commit.
    pub(crate) fn learn_committed(&self, pages: &BTreeMap<Pgno, Frame>, staged: &PageSet) {
        let Some(ahead) = &mut *self.shared.read_ahead() else { return };
        for pgno in staged.iter() {
            ahead.learn(pgno, None);
        }
        for (pgno, frame) in pages {
            if ahead.knows(*pgno) {
                ahead.learn(*pgno, children(*pgno, frame.bytes(), self.head.size));
            }
        }
    }

    fn committed(&self) -> Committed<'_> {
        Committed {
            cache: &self.cache,
            write_set: &self.write_set,
            size: self.head.size,
            lock_page: self.page_size().lock_page(),
        }
    }

    /// Reads the pages of a plan in one call, keeps them, and answers the one that was asked for.
    fn fetch(&mut self, wanted: Pgno, plan: &Plan) -> Result<Frame, StoreError> {
        let counters = &self.shared.counters;
        counters.store_reads.add(1);
        let predicted = plan.pages.len() as u64 - 1;
        counters.read_aheads.add(u64::from(predicted > 0));
        let mut fetch = Fetch::new(&plan.pages, &self.cache, self.head);
        self.store.read(&self.lease, self.head.txid, &plan.pages, &mut fetch)?;
        let Fetch { frames, neighbours, .. } = fetch;
        let counters = &self.shared.counters;
        counters.pages_predicted.add(predicted);
        counters.pages_prefetched.add(neighbours.len() as u64);
        let mut found = None;
        for (pgno, frame) in plan.pages.iter().copied().zip(frames) {
            let Some(frame) = frame else {
                let reason = format!("the store answered a read without page {pgno}");
                return Err(StoreError::Invalid { reason });
            };
            let unused = if pgno == wanted { None } else { plan.tally.clone() };
            self.keep(pgno, frame.clone(), unused);
            if pgno == wanted {
                found = Some(frame);
            }
        }
        for (pgno, frame) in neighbours {
            self.keep(pgno, frame, None);
        }
        let reason = || format!("page {wanted} was not asked for");
        found.ok_or_else(|| StoreError::Invalid { reason: reason() })
    }

    fn keep(&mut self, pgno: Pgno, frame: Frame, unused: Option<Arc<Tally>>) {
        self.shared.counters.bytes_read.add(frame.bytes().len() as u64);
        self.remember_header(pgno, frame.bytes());
        self.cache.insert_unused(pgno, frame, unused);
    }
}
