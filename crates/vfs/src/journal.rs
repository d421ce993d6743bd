//! The rollback journal of a mount: a scratch file that remembers whether it was played back.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::scratch::{ScratchError, ScratchFile, ScratchPool};

/// The rollback journal.
///
/// The sync of the main file ends a commit as well as a rollback (`sqlite3PagerSync` has these two
/// callers), and only the journal tells them apart. `pager_playback` begins by asking for the
/// journal's size and then only reads it. A commit goes through `syncJournal`, which writes the
/// header and syncs, last thing before the pages. A rollback to a savepoint
/// (`pagerPlaybackSavepoint`) reads the journal, but never asks for its size. So: *the size was
/// asked for, and nothing written, synced or cut since* is a rollback.
///
/// What is written to the main file while that holds is the playback itself: base pages that are
/// the base already. So that no other write is ever taken for one, the beginning of a transaction
/// ([`Self::begin`]) ends it too.
pub(crate) struct Journal {
    file: Mutex<ScratchFile>,
    /// The size in bytes, for `xAccess` at the start of every transaction.
    size: AtomicU64,
    played_back: AtomicBool,
}

impl Journal {
    pub fn new(pool: Arc<ScratchPool>) -> Self {
        let file = Mutex::new(ScratchFile::new(pool));
        let (size, played_back) = Default::default();
        Self { file, size, played_back }
    }

    /// Whether there is anything in it. An empty journal counts as none, as on a file system.
    pub fn exists(&self) -> bool {
        self.size.load(Ordering::Relaxed) > 0
    }

    /// Whether a rollback is being played back: what comes next on the main file is its pages, and
    /// its end.
    pub fn was_played_back(&self) -> bool {
        self.exists() && self.played_back.load(Ordering::Relaxed)
    }

    /// A lock was taken on the main file, or an atomic write begun: neither is part of a playback,
    /// which has the lock when it begins.
    pub fn begin(&self) {
        self.mark(false);
    }

    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, ScratchError> {
        self.lock().read(offset, buffer)
    }

    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), ScratchError> {
        self.change(|file| file.write(offset, bytes))
    }

    pub fn truncate(&self, size: u64) -> Result<(), ScratchError> {
        self.change(|file| file.truncate(size))
    }

    /// Nothing to sync; it is the mark of a commit.
    pub fn sync(&self) {
        self.mark(false);
    }

    /// The size in bytes; the mark of a rollback.
    pub fn measure(&self) -> u64 {
        self.mark(true);
        self.lock().size()
    }

    fn change(
        &self,
        change: impl FnOnce(&mut ScratchFile) -> Result<(), ScratchError>,
    ) -> Result<(), ScratchError> {
        self.mark(false);
        let mut file = self.lock();
        let result = change(&mut file);
        self.size.store(file.size(), Ordering::Relaxed);
        result
    }

    fn mark(&self, played_back: bool) {
        self.played_back.store(played_back, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, ScratchFile> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
