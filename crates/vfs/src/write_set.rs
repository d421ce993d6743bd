//! The pages a transaction has written so far, on top of a committed state.

use std::collections::BTreeMap;

use actor_sqlite_ltx::{PageSize, Pgno};

use crate::frame::Frame;
use crate::header;
use crate::page_set::PageSet;

/// Everything written since the last commit: pages, and the size of the file.
///
/// ```text
///   1 ..................... intact ..................... size
///   written, else staged, else base | written, else staged, else zero | beyond the end
/// ```
///
/// `intact` is the lowest size the file had since the last commit. Above it the base must not show
/// through: a page that was cut off and came back is zeros until it is written. A staged page is
/// with the store, and only its number is here. Page 1 is never staged, so that a commit has the
/// new size and the free list at hand.
pub(crate) struct WriteSet {
    page_size: PageSize,
    pages: BTreeMap<Pgno, Frame>,
    /// Those with a version at the store, which counts where `pages` has no newer one.
    staged: PageSet,
    base_size: u32,
    intact: u32,
    size: u32,
}

/// Where a page's content is.
pub(crate) enum Place<'a> {
    /// Written since the last commit.
    Written(&'a Frame),
    /// Written since the last commit, and sent to the store.
    Staged,
    /// In the file, and all zeros: never written.
    Zero,
    /// As in the committed state.
    Base,
    /// Not in the file.
    Beyond,
}

impl WriteSet {
    /// An empty write set on a committed state of that many pages.
    pub fn new(page_size: PageSize, base_size: u32) -> Self {
        let (pages, staged) = Default::default();
        Self { page_size, pages, staged, base_size, intact: base_size, size: base_size }
    }

    /// Drops everything: the file is the committed state again, of that many pages.
    pub fn reset(&mut self, base_size: u32) {
        self.pages.clear();
        self.staged.clear();
        self.base_size = base_size;
        self.intact = base_size;
        self.size = base_size;
    }

    /// Whether the file is exactly the committed state.
    pub fn is_clean(&self) -> bool {
        self.pages.is_empty()
            && self.staged.is_empty()
            && self.size == self.base_size
            && self.intact == self.base_size
    }

    /// The file's size in pages.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// How many pages are written and not staged since.
    pub fn len(&self) -> usize {
        self.pages.len()
    }

    /// Whether a page is written and not staged since.
    pub fn holds(&self, pgno: Pgno) -> bool {
        self.pages.contains_key(&pgno)
    }

    /// Where the content of a page is.
    pub fn place(&self, pgno: Pgno) -> Place<'_> {
        if pgno.get() > self.size {
            return Place::Beyond;
        }
        if let Some(frame) = self.pages.get(&pgno) {
            return Place::Written(frame);
        }
        if self.staged.contains(pgno) {
            return Place::Staged;
        }
        if pgno.get() > self.intact || pgno == self.page_size.lock_page() {
            return Place::Zero;
        }
        Place::Base
    }

    /// Writes a page, and extends the file to it.
    pub fn put(&mut self, pgno: Pgno, page: &[u8]) {
        debug_assert_eq!(page.len(), self.page_size.bytes());
        self.size = self.size.max(pgno.get());
        self.pages
            .entry(pgno)
            .and_modify(|frame| frame.overwrite(page))
            .or_insert_with(|| Frame::copy_of(page));
    }

    /// Cuts the file off, or extends it by zeros.
    pub fn truncate(&mut self, size: u32) {
        if size < self.size {
            let first_lost = Pgno::new_saturating(size + 1);
            self.pages.split_off(&first_lost);
            self.staged.truncate(size);
            self.intact = self.intact.min(size);
        }
        self.size = size;
    }

    /// Ends the file where page 1 says, without the lock page.
    pub fn trim(&mut self) {
        let size = self.page_one().and_then(header::size).unwrap_or(self.size).min(self.size);
        self.truncate(size);
        self.pages.remove(&self.page_size.lock_page());
    }

    /// Adds zeros for pages that a commit must hold and that nobody wrote, those above `from`, until
    /// it has `pages_max` pages. Answers where to go on, once there is room again; `None` if nothing
    /// is missing any more. To be called on a trimmed set, and with 0 first.
    pub fn seal(&mut self, from: u32, pages_max: usize) -> Option<u32> {
        let lock_page = self.page_size.lock_page();
        let mut zeros: Option<Frame> = None;
        for pgno in (self.intact.max(from) + 1..=self.size).filter_map(Pgno::new) {
            if pgno == lock_page || self.pages.contains_key(&pgno) || self.staged.contains(pgno) {
                continue;
            }
            if self.pages.len() >= pages_max {
                return Some(pgno.index());
            }
            let frame = zeros.get_or_insert_with(|| Frame::zeroed(self.page_size.bytes()));
            self.pages.insert(pgno, frame.clone());
        }
        None
    }

    /// The written pages that can be staged, ascending: all but page 1 and the lock page.
    pub fn to_stage(&self) -> impl Iterator<Item = (Pgno, &[u8])> {
        let lock_page = self.page_size.lock_page();
        self.pages().filter(move |(pgno, _)| *pgno != Pgno::ONE && *pgno != lock_page)
    }

    /// The store has what [`Self::to_stage`] gave: hands out the frames.
    pub fn set_staged(&mut self) -> BTreeMap<Pgno, Frame> {
        let mut pages = std::mem::take(&mut self.pages);
        pages.remove(&self.page_size.lock_page());
        if let Some(frame) = pages.remove(&Pgno::ONE) {
            self.pages.insert(Pgno::ONE, frame);
        }
        for pgno in pages.keys() {
            self.staged.insert(*pgno);
        }
        pages
    }

    /// The pages that are staged, newer versions or not.
    pub fn staged(&self) -> &PageSet {
        &self.staged
    }

    /// The written pages, ascending.
    pub fn pages(&self) -> impl Iterator<Item = (Pgno, &[u8])> {
        self.pages.iter().map(|(pgno, frame)| (*pgno, frame.bytes()))
    }

    /// Page 1, if it is written.
    pub fn page_one(&self) -> Option<&[u8]> {
        self.pages.get(&Pgno::ONE).map(Frame::bytes)
    }

    /// Ends the transaction: hands out the frames and which other pages are staged, and stands on a
    /// committed state of that many pages.
    pub fn take(&mut self, base_size: u32) -> (BTreeMap<Pgno, Frame>, PageSet) {
        let pages = std::mem::take(&mut self.pages);
        let mut staged = std::mem::take(&mut self.staged);
        for pgno in pages.keys() {
            staged.remove(*pgno);
        }
        self.reset(base_size);
        (pages, staged)
    }

    /// The page size that page 1 names, if it is written and not the database's.
    pub fn foreign_page_size(&self) -> Option<u32> {
        header::page_size(self.page_one()?).filter(|bytes| *bytes != self.page_size.get())
    }

    /// Whether the transaction leaves no more pages in use than the committed state had, whose page
    /// 1 begins with `before`. To be called on a trimmed set.
    pub fn frees(&self, before: &[u8]) -> bool {
        let before = header::pages_in_use(before, self.base_size);
        let Some(after) = self.page_one() else {
            // Without a word of page 1 nothing came off the free list.
            return self.size <= self.base_size;
        };
        header::pages_in_use(after, self.size) <= before
    }
}
