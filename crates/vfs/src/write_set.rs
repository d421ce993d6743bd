//! The pages a transaction has written so far, on top of a committed state.

use std::collections::BTreeMap;

use actor_sqlite_ltx::{PageSize, Pgno};

use crate::frame::Frame;

/// Everything written since the last commit: pages, and the size of the file.
///
/// ```text
///   1 ............ intact ............ size
///   written, else base | written, else zero | beyond the end
/// ```
///
/// `intact` is the lowest size the file had since the last commit. Above it the base must not show
/// through: a page that was cut off and came back is zeros until it is written.
pub(crate) struct WriteSet {
    page_size: PageSize,
    pages: BTreeMap<Pgno, Frame>,
    base_size: u32,
    intact: u32,
    size: u32,
}

/// Where a page's content is.
pub(crate) enum Place<'a> {
    /// Written since the last commit.
    Written(&'a Frame),
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
        Self { page_size, pages: BTreeMap::new(), base_size, intact: base_size, size: base_size }
    }

    /// Drops everything: the file is the committed state again, of that many pages.
    pub fn reset(&mut self, base_size: u32) {
        self.pages.clear();
        self.base_size = base_size;
        self.intact = base_size;
        self.size = base_size;
    }

    /// Whether the file is exactly the committed state.
    pub fn is_clean(&self) -> bool {
        self.pages.is_empty() && self.size == self.base_size && self.intact == self.base_size
    }

    /// The file's size in pages.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// How many pages are written.
    pub fn len(&self) -> usize {
        self.pages.len()
    }

    /// Whether a page is written.
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
            self.intact = self.intact.min(size);
        }
        self.size = size;
    }

    /// Ends the file where page 1 says, without the lock page, and answers how many pages a commit
    /// holds then: those written, and the zeros that [`Self::seal`] adds.
    pub fn trim(&mut self) -> u64 {
        let size = self.size_from_page_one().unwrap_or(self.size).min(self.size);
        self.truncate(size);
        let lock_page = self.page_size.lock_page();
        self.pages.remove(&lock_page);
        let below = self.pages.range(..Pgno::new_saturating(self.intact + 1)).count() as u64;
        let above = u64::from(size.saturating_sub(self.intact));
        let lock = (self.intact < lock_page.get() && lock_page.get() <= size) as u64;
        below + above - lock
    }

    /// Makes a trimmed set what a commit must hold: every page above the intact part is there, and
    /// the lock page is not.
    pub fn seal(&mut self) {
        let lock_page = self.page_size.lock_page();
        let mut zeros: Option<Frame> = None;
        for pgno in (self.intact + 1..=self.size).filter_map(Pgno::new) {
            if pgno != lock_page && !self.pages.contains_key(&pgno) {
                let frame = zeros.get_or_insert_with(|| Frame::zeroed(self.page_size.bytes()));
                self.pages.insert(pgno, frame.clone());
            }
        }
    }

    /// The written pages, ascending.
    pub fn pages(&self) -> impl Iterator<Item = (Pgno, &[u8])> {
        self.pages.iter().map(|(pgno, frame)| (*pgno, frame.bytes()))
    }

    /// Page 1, if it is written.
    pub fn page_one(&self) -> Option<&[u8]> {
        self.pages.get(&Pgno::ONE).map(Frame::bytes)
    }

    /// Ends the transaction: hands out the frames, and stands on a committed state of that many
    /// pages.
    pub fn take(&mut self, base_size: u32) -> BTreeMap<Pgno, Frame> {
        let pages = std::mem::take(&mut self.pages);
        self.reset(base_size);
        pages
    }

    /// The page size that page 1 names, if it is written and not the database's: bytes 16..18, 1
    /// for 65,536 (file format, section 1.3.2).
    pub fn foreign_page_size(&self) -> Option<u32> {
        let page = self.page_one().filter(|page| page.starts_with(b"SQLite format 3\0"))?;
        let bytes = match u16::from_be_bytes(page.get(16..18)?.try_into().ok()?) {
            1 => 65_536,
            bytes => u32::from(bytes),
        };
        (bytes != self.page_size.get()).then_some(bytes)
    }

    /// The database's size in pages as page 1 has it: bytes 28..32, valid if the version-valid-for
    /// number at 92..96 equals the change counter at 24..28 (file format, section 1.3.8).
    fn size_from_page_one(&self) -> Option<u32> {
        let page = self.page_one()?;
        let size = u32::from_be_bytes(page.get(28..32)?.try_into().ok()?);
        (size > 0 && page.get(24..28)? == page.get(92..96)?).then_some(size)
    }
}
