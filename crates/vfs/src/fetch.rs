//! What one read of the store brings, and what is here already.

use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{Head, PageSink};

use crate::btree::children;
use crate::frame::Frame;
use crate::page_cache::MountCache;
use crate::tree::Base;
use crate::write_set::{Place, WriteSet};

/// The most neighbours of a page that are kept if the store offers them.
const NEIGHBOURS_MAX: usize = 64;

/// Takes pages from the store: those asked for, and the neighbours worth keeping.
pub(crate) struct Fetch<'a> {
    /// Ascending.
    asked: &'a [Pgno],
    /// Those of `asked`, in the same order.
    pub frames: Vec<Option<Frame>>,
    pub neighbours: Vec<(Pgno, Frame)>,
    page_bytes: usize,
    size: u32,
    cache: &'a MountCache,
}

impl<'a> Fetch<'a> {
    pub fn new(asked: &'a [Pgno], cache: &'a MountCache, head: Head) -> Self {
        Self {
            asked,
            frames: vec![None; asked.len()],
            neighbours: Vec::new(),
            page_bytes: head.page_size.bytes(),
            size: head.size,
            cache,
        }
    }

    /// Whether a page that nobody asked for is worth its memory: not in the cache yet, and no more
    /// of them than an eighth of the cache.
    fn keeps(&self, pgno: Pgno) -> bool {
        let bytes = ((self.neighbours.len() + 1) * self.page_bytes) as u64;
        pgno.get() <= self.size
            && self.neighbours.len() < NEIGHBOURS_MAX
            && bytes < self.cache.capacity_bytes() / 8
            && !self.neighbours.iter().any(|(at, _)| *at == pgno)
            && !self.cache.contains(pgno)
    }
}

impl PageSink for Fetch<'_> {
    fn buffer(&mut self, pgno: Pgno) -> Option<&mut [u8]> {
        let frame = match self.asked.binary_search(&pgno) {
            Ok(index) if self.frames[index].is_some() => return None,
            Ok(index) => self.frames[index].insert(Frame::zeroed(self.page_bytes)),
            Err(_) if !self.keeps(pgno) => return None,
            Err(_) => {
                self.neighbours.push((pgno, Frame::zeroed(self.page_bytes)));
                self.neighbours.last_mut().map(|(_, frame)| frame)?
            }
        };
        frame.bytes_mut()
    }
}

/// The committed state, and what of it is in memory.
pub(crate) struct Committed<'a> {
    pub cache: &'a MountCache,
    pub write_set: &'a WriteSet,
    pub size: u32,
    pub lock_page: Pgno,
}

impl Base for Committed<'_> {
    fn size(&self) -> u32 {
        self.size
    }

    fn is_absent(&self, pgno: Pgno) -> bool {
        pgno.get() <= self.size
            && pgno != self.lock_page
            && matches!(self.write_set.place(pgno), Place::Base)
            && !self.cache.contains(pgno)
    }

    fn children(&self, pgno: Pgno) -> Option<Box<[Pgno]>> {
        children(pgno, self.cache.peek(pgno)?.bytes(), self.size)
    }
}
