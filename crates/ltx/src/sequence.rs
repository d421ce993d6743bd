//! Which pages a file may hold, in which order.

use crate::{Header, Pgno};

/// A page stands where the format allows none, or lacks where it demands one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SequenceError {
    /// The page is outside the database the file leaves behind.
    #[error("page {pgno} is beyond the {commit} pages of the database")]
    BeyondCommit {
        /// The page.
        pgno: Pgno,
        /// Pages of the database.
        commit: u32,
    },
    /// The page is the one SQLite locks, which has no content.
    #[error("page {0} is the lock page")]
    LockPage(Pgno),
    /// The page does not come after the one before it.
    #[error("page {pgno} follows page {previous}")]
    Order {
        /// The page.
        pgno: Pgno,
        /// The page before it.
        previous: Pgno,
    },
    /// A snapshot leaves a page out.
    #[error("a snapshot has page {pgno} where page {expected} belongs")]
    SnapshotGap {
        /// The page that is there.
        pgno: Pgno,
        /// The page that is not.
        expected: Pgno,
    },
    /// A snapshot ends before its last page.
    #[error("a snapshot of {commit} pages ends before page {missing}")]
    SnapshotEnd {
        /// The first page that is not there.
        missing: Pgno,
        /// Pages of the database.
        commit: u32,
    },
}

/// Follows the pages of one file, in the encoder and in the decoder alike.
#[derive(Clone, Copy)]
pub(crate) struct Sequence {
    commit: u32,
    lock_page: Pgno,
    snapshot: bool,
    previous: Option<Pgno>,
}

impl Sequence {
    pub(crate) fn new(header: &Header) -> Self {
        Self {
            commit: header.commit,
            lock_page: header.page_size.lock_page(),
            snapshot: header.is_snapshot(),
            previous: None,
        }
    }

    /// Takes the next page, or refuses it and stays as it was.
    pub(crate) fn accept(&mut self, pgno: Pgno) -> Result<(), SequenceError> {
        if pgno.get() > self.commit {
            return Err(SequenceError::BeyondCommit { pgno, commit: self.commit });
        }
        if pgno == self.lock_page {
            return Err(SequenceError::LockPage(pgno));
        }
        if let Some(previous) = self.previous
            && pgno <= previous
        {
            return Err(SequenceError::Order { pgno, previous });
        }
        if self.snapshot
            && let Some(expected) = self.expected()
            && pgno != expected
        {
            return Err(SequenceError::SnapshotGap { pgno, expected });
        }
        self.previous = Some(pgno);
        Ok(())
    }

    /// Ends the file; a snapshot must be complete by now.
    pub(crate) fn end(&self) -> Result<(), SequenceError> {
        match self.expected() {
            Some(missing) if self.snapshot && missing.get() <= self.commit => {
                Err(SequenceError::SnapshotEnd { missing, commit: self.commit })
            }
            _ => Ok(()),
        }
    }

    /// The page after the last one; `None` after the largest page number there is.
    fn expected(&self) -> Option<Pgno> {
        let Some(previous) = self.previous else { return Some(Pgno::ONE) };
        let next = previous.get().checked_add(1).and_then(Pgno::new)?;
        if next == self.lock_page { Pgno::new(next.get() + 1) } else { Some(next) }
    }
}
