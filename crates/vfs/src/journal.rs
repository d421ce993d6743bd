//! The rollback journal of a mount: a scratch file that remembers whether it was played back.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::scratch::{ScratchFile, ScratchPool};

/// The rollback journal.
///
/// The sync of the main file ends a commit as well as a rollback (`sqlite3PagerSync` has these two
/// callers), and only the journal tells them apart. `pager_playback` begins by asking for the
/// journal's size and then only reads it. A commit goes through `syncJournal`, which writes the
/// header and syncs, last thing before the pages. A rollback to a savepoint
/// (`pagerPlaybackSavepoint`) reads the journal, but never asks for its size. So: *the size was
/// asked for, and nothing written, synced or cut since* is a rollback.
pub(crate) struct Journal {
    inner: Mutex<Inner>,
    /// The size in bytes, for `xAccess` at the start of every transaction.
    size: AtomicU64,
}

struct Inner {
    file: ScratchFile,
    played_back: bool,
}

impl Journal {
    pub fn new(pool: Arc<ScratchPool>) -> Self {
        let inner = Inner { file: ScratchFile::new(pool), played_back: false };
        Self { inner: Mutex::new(inner), size: AtomicU64::new(0) }
    }

    /// Whether there is anything in it. An empty journal counts as none, as on a file system.
    pub fn exists(&self) -> bool {
        self.size.load(Ordering::Relaxed) > 0
    }

    /// Whether what comes next on the main file is the end of a rollback.
    pub fn was_played_back(&self) -> bool {
        self.exists() && self.lock().played_back
    }

    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().file.read(offset, buffer)
    }

    pub fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change(|file| file.write(offset, bytes))
    }

    pub fn truncate(&self, size: u64) -> io::Result<()> {
        self.change(|file| file.truncate(size))
    }

    /// Nothing to sync; it is the mark of a commit.
    pub fn sync(&self) {
        self.lock().played_back = false;
    }

    /// The size in bytes; the mark of a rollback.
    pub fn measure(&self) -> u64 {
        let mut inner = self.lock();
        inner.played_back = true;
        inner.file.size()
    }

    fn change(&self, change: impl FnOnce(&mut ScratchFile) -> io::Result<()>) -> io::Result<()> {
        let mut inner = self.lock();
        inner.played_back = false;
        let result = change(&mut inner.file);
        self.size.store(inner.file.size(), Ordering::Relaxed);
        result
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
