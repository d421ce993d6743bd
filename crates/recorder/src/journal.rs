//! Recordings under way, and what the hooked calls add to them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use crate::Record;

/// Recordings under way; without any the hooks only pass on.
static ACTIVE: AtomicUsize = AtomicUsize::new(0);
static LIVE: Mutex<Option<Live>> = Mutex::new(None);

/// All recordings and the open files they are about.
#[derive(Default)]
pub(crate) struct Live {
    journals: HashMap<u64, Journal>,
    open: HashMap<i32, Open>,
    recordings: u64,
    syncs: u64,
}

/// What a file descriptor stands for.
#[derive(Clone, Copy)]
struct Open {
    recording: u64,
    /// Nothing for a directory.
    file: Option<u32>,
}

struct Journal {
    root: PathBuf,
    records: Vec<Record>,
    names: HashMap<PathBuf, u32>,
    files: u32,
}

/// Where a path is, if it is recorded.
pub(crate) struct Place {
    recording: u64,
    path: PathBuf,
}

/// The recording of one directory, which ends with [`Recording::finish`] or when it is dropped.
/// Several can be under way, of different directories.
pub struct Recording {
    number: u64,
}

impl Recording {
    /// Whether calls are recorded on this platform.
    pub const fn is_possible() -> bool {
        cfg!(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))
    }

    /// Begins. What is in the directory, which must exist and is not yet open, is recorded first,
    /// as written and synced.
    ///
    /// # Errors
    /// What reading the directory failed with.
    pub fn start(directory: &Path) -> io::Result<Self> {
        let root = fs::canonicalize(directory)?;
        // Before the lock: reading goes through the hooks too.
        let mut stock = Vec::new();
        take_stock(&root, &mut stock)?;
        let journal = Journal { root, records: Vec::new(), names: HashMap::new(), files: 0 };
        let mut live = lock();
        let live = live.get_or_insert_default();
        live.recordings += 1;
        let number = live.recordings;
        live.journals.insert(number, journal);
        live.add_stock(number, stock);
        ACTIVE.fetch_add(1, SeqCst);
        Ok(Self { number })
    }

    /// Adds a word of the program's own, in order with all else.
    pub fn mark(&self, word: &[u8]) {
        if let Some(live) = &mut *lock() {
            live.add(self.number, Record::Mark(word.to_vec()));
        }
    }

    /// Ends; the steps in order.
    pub fn finish(self) -> Vec<Record> {
        self.end()
    }

    fn end(&self) -> Vec<Record> {
        let mut live = lock();
        let Some(live) = &mut *live else { return Vec::new() };
        let Some(journal) = live.journals.remove(&self.number) else { return Vec::new() };
        live.open.retain(|_, open| open.recording != self.number);
        ACTIVE.fetch_sub(1, SeqCst);
        journal.records
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.end();
    }
}

/// All that is in a directory: directories without, files with their bytes.
fn take_stock(directory: &Path, stock: &mut Vec<(PathBuf, Option<Vec<u8>>)>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            stock.push((path.clone(), None));
            take_stock(&path, stock)?;
        } else {
            let bytes = fs::read(&path)?;
            stock.push((path, Some(bytes)));
        }
    }
    Ok(())
}

fn lock() -> MutexGuard<'static, Option<Live>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The recordings, if there are any. Whoever holds them keeps all other recorded calls waiting, so
/// that calls and their records come in one order.
#[cfg_attr(not(target_os = "linux"), expect(dead_code))]
pub(crate) fn recordings() -> Option<MutexGuard<'static, Option<Live>>> {
    (ACTIVE.load(SeqCst) > 0).then(lock)
}

#[cfg_attr(not(target_os = "linux"), expect(dead_code))]
impl Live {
    fn add(&mut self, recording: u64, record: Record) {
        if let Some(journal) = self.journals.get_mut(&recording) {
            journal.records.push(record);
        }
    }

    fn add_stock(&mut self, recording: u64, stock: Vec<(PathBuf, Option<Vec<u8>>)>) {
        for (path, bytes) in stock {
            let Some(place) = self.place(&path) else { continue };
            match bytes {
                None => self.made_directory(place),
                Some(bytes) => {
                    let Some(file) = self.name(&place) else { continue };
                    self.add(recording, Record::Write { file, offset: 0, bytes });
                    self.sync_stock(recording, Some(file));
                }
            }
        }
        self.sync_stock(recording, None);
    }

    fn sync_stock(&mut self, recording: u64, file: Option<u32>) {
        self.syncs += 1;
        let sync = self.syncs;
        self.add(recording, Record::SyncBegun { sync, file });
        self.add(recording, Record::SyncEnded { sync });
    }

    pub(crate) fn place(&self, path: &Path) -> Option<Place> {
        self.journals.iter().find_map(|(recording, journal)| {
            // By components, so that a doubled slash makes no other path.
            let relative = path.strip_prefix(&journal.root).ok()?;
            Some(Place { recording: *recording, path: relative.components().collect() })
        })
    }

    /// The file of a name, which is a new one if there was none.
    fn name(&mut self, place: &Place) -> Option<u32> {
        let journal = self.journals.get_mut(&place.recording)?;
        if let Some(file) = journal.names.get(&place.path) {
            return Some(*file);
        }
        journal.files += 1;
        journal.names.insert(place.path.clone(), journal.files);
        let (path, file) = (place.path.clone(), journal.files);
        journal.records.push(Record::Name { path, file });
        Some(file)
    }

    pub(crate) fn opened_directory(&mut self, fd: i32, place: &Place) {
        self.open.insert(fd, Open { recording: place.recording, file: None });
    }

    /// `writable` for files that are made if they are missing.
    pub(crate) fn opened(&mut self, fd: i32, place: &Place, writable: bool, truncated: bool) {
        let known = self
            .journals
            .get(&place.recording)
            .and_then(|journal| journal.names.get(&place.path).copied());
        let file = if writable { self.name(place) } else { known };
        let Some(file) = file else { return };
        if truncated && known.is_some() {
            self.add(place.recording, Record::Resize { file, bytes: 0 });
        }
        self.open.insert(fd, Open { recording: place.recording, file: Some(file) });
    }

    pub(crate) fn closed(&mut self, fd: i32) {
        self.open.remove(&fd);
    }

    pub(crate) fn is_recorded(&self, fd: i32) -> bool {
        self.open.contains_key(&fd)
    }

    pub(crate) fn wrote(&mut self, fd: i32, offset: u64, bytes: Vec<u8>) {
        if let Some(Open { recording, file: Some(file) }) = self.open.get(&fd).copied() {
            self.add(recording, Record::Write { file, offset, bytes });
        }
    }

    pub(crate) fn resized(&mut self, fd: i32, bytes: u64) {
        if let Some(Open { recording, file: Some(file) }) = self.open.get(&fd).copied() {
            self.add(recording, Record::Resize { file, bytes });
        }
    }

    /// The sync's recording and number.
    pub(crate) fn sync_begins(&mut self, fd: i32) -> Option<(u64, u64)> {
        let Open { recording, file } = *self.open.get(&fd)?;
        self.syncs += 1;
        let sync = self.syncs;
        self.add(recording, Record::SyncBegun { sync, file });
        Some((recording, sync))
    }

    pub(crate) fn sync_ended(&mut self, (recording, sync): (u64, u64)) {
        self.add(recording, Record::SyncEnded { sync });
    }

    pub(crate) fn renamed(&mut self, from: Place, to: Place) {
        let Some(journal) = self.journals.get_mut(&from.recording) else { return };
        // A name that was never seen is of a file whose content is not recorded either.
        if let Some(file) = journal.names.remove(&from.path) {
            journal.names.insert(to.path.clone(), file);
            journal.records.push(Record::Rename { from: from.path, to: to.path });
        }
    }

    pub(crate) fn linked(&mut self, from: Place, to: Place) {
        let Some(journal) = self.journals.get_mut(&from.recording) else { return };
        if let Some(file) = journal.names.get(&from.path).copied() {
            journal.names.insert(to.path.clone(), file);
            journal.records.push(Record::Name { path: to.path, file });
        }
    }

    pub(crate) fn unlinked(&mut self, place: Place) {
        let Some(journal) = self.journals.get_mut(&place.recording) else { return };
        if journal.names.remove(&place.path).is_some() {
            journal.records.push(Record::Unlink { path: place.path });
        }
    }

    pub(crate) fn made_directory(&mut self, place: Place) {
        self.add(place.recording, Record::MakeDirectory { path: place.path });
    }
}
