//! Reads of the main file: the write set, then the page cache, then the store.

use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{PageSink, StoreError};

use crate::code::Class;
use crate::frame::Frame;
use crate::main_file::MainFile;
use crate::page_cache::MountCache;
use crate::shared::Failed;
use crate::write_set::Place;

/// The most neighbours of a page that are kept if the store offers them.
const NEIGHBOURS_MAX: usize = 64;

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
            self.cache.insert(pgno, Frame::copy_of(&page));
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
