//! The main file against a plain array of bytes: random reads, writes, truncations, syncs and
//! atomic commits, with a store that sometimes refuses. `SEED=…` repeats a run.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actor_sqlite_ltx::{PageSize, Pgno};
use actor_sqlite_pagestore::{
    ActorId, ClaimOptions, Clock, CommitId, MemPageStore, PageStore, Resolution, StoreError,
};

use libsqlite3_sys as ffi;

use crate::commit::Route;
use crate::main_file::MainFile;
use crate::open_file::{self, Control, OpenFile};
use crate::read::ReadOutcome;
use crate::shared::Failed;
use crate::write_set::Place;
use crate::{Mount, MountOptions, PageCache};

const PAGE: usize = 512;
const PAGES_MAX: u64 = 40;
const STEPS: u32 = 4000;

#[derive(Default)]
struct StepClock(AtomicU64);

impl Clock for StepClock {
    fn now_ms(&self) -> i64 {
        0
    }

    fn monotonic_ns(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// A page whose header does not vouch for the size it names, unless `size` says so.
    fn page(&mut self, size: Option<u32>) -> Vec<u8> {
        let mut page: Vec<u8> = (0..PAGE).map(|_| self.below(256) as u8).collect();
        page[92] = page[24] ^ 1;
        if let Some(size) = size {
            page[28..32].copy_from_slice(&size.to_be_bytes());
            page.copy_within(24..28, 92);
        }
        page
    }
}

fn mount(store: &Arc<MemPageStore>, cache_bytes: u64) -> Arc<Mount> {
    mount_with(store, cache_bytes, u64::MAX)
}

fn mount_with(store: &Arc<MemPageStore>, cache_bytes: u64, write_set_bytes_max: u64) -> Arc<Mount> {
    let page_size = PageSize::new(PAGE as u32).unwrap();
    let actor = ActorId::new("", "model").unwrap();
    let options = ClaimOptions { page_size, ..ClaimOptions::new("test") };
    let claim = store.claim(&actor, &options).unwrap();
    let options = MountOptions::new(Arc::new(StepClock::default()), u64::MAX, PathBuf::new());
    let options = MountOptions { write_set_bytes_max, ..options };
    Mount::new(store.clone(), claim, PageCache::new(cache_bytes), options).unwrap()
}

/// The file as it is committed, and as it is now.
#[derive(Clone, Default)]
struct Model {
    committed: Vec<u8>,
    current: Vec<u8>,
}

impl Model {
    /// What a commit leaves: page 1 may say that the file is shorter.
    fn commit(&mut self) {
        if let Some(header) = self.current.get(..100)
            && self.current[..PAGE] != self.committed[..PAGE.min(self.committed.len())]
            && header[24..28] == header[92..96]
        {
            let size = u32::from_be_bytes(header[28..32].try_into().unwrap()) as usize;
            if size > 0 {
                self.current.truncate(size * PAGE);
            }
        }
        self.committed = self.current.clone();
    }

    fn roll_back(&mut self) {
        self.current = self.committed.clone();
    }

    fn read(&self, offset: usize, length: usize) -> (Vec<u8>, ReadOutcome) {
        let end = (offset + length).min(self.current.len());
        let mut bytes = self.current.get(offset..end).unwrap_or_default().to_vec();
        let short = bytes.len() < length;
        bytes.resize(length, 0);
        (bytes, if short { ReadOutcome::Short } else { ReadOutcome::Full })
    }
}

fn write(store: &MemPageStore, file: &mut MainFile, model: &mut Model, random: &mut Random) {
    let index = random.below(PAGES_MAX) as usize;
    let size = (model.current.len() / PAGE).max(1) as u64;
    let header_size = (index == 0 && random.below(2) == 0).then(|| random.below(size) as u32 + 1);
    let page = random.page(header_size);
    let offset = index * PAGE;
    if random.below(30) == 0 {
        store.fail_next_stage(StoreError::Unavailable { reason: "told to".into() });
    }
    let outcome = file.write(offset as u64, &page);
    store.clear_faults();
    if outcome.is_err() {
        assert!(file.write(0, &page).is_err(), "a lost stage takes the transaction with it");
        assert!(file.commit(Route::Batch).is_err(), "half a transaction was committed");
        file.roll_back();
        model.roll_back();
        return;
    }
    model.current.resize(model.current.len().max(offset + PAGE), 0);
    model.current[offset..offset + PAGE].copy_from_slice(&page);
}

/// SQLite writes its journal back: whatever that is, the base is restored.
fn play_back(file: &mut MainFile, model: &mut Model, random: &mut Random) {
    file.shared.journal.write(0, b"journal").unwrap();
    file.shared.journal.measure();
    for _ in 0..random.below(4) {
        match random.below(3) {
            0 => file.truncate(random.below(PAGES_MAX) * PAGE as u64).unwrap(),
            _ => {
                let offset = random.below(PAGES_MAX) * PAGE as u64;
                file.write(offset, &random.page(None)).unwrap();
            }
        }
    }
    file.sync().unwrap();
    file.shared.journal.truncate(0).unwrap();
    model.roll_back();
}

fn commit(store: &MemPageStore, file: &mut MainFile, model: &mut Model, random: &mut Random) {
    // A file cut to nothing is no database: SQLite never commits one, and the store refuses.
    if model.current.is_empty() {
        return;
    }
    if random.below(4) == 0 {
        store.fail_next_commit(StoreError::Unavailable { reason: "told to".into() });
    }
    let result: Result<(), Failed> = match random.below(2) {
        0 => file.commit(Route::Batch),
        _ => file.sync(),
    };
    store.clear_faults();
    match result {
        Ok(()) => model.commit(),
        Err(_) => {
            file.roll_back();
            model.roll_back();
        }
    }
}

fn step(store: &MemPageStore, file: &mut MainFile, model: &mut Model, random: &mut Random) {
    match random.below(20) {
        0..9 => write(store, file, model, random),
        9..11 => {
            let size = random.below(PAGES_MAX + 1) as usize * PAGE;
            model.current.resize(size, 0);
            file.truncate(size as u64).unwrap();
        }
        11..13 => commit(store, file, model, random),
        13 => play_back(file, model, random),
        _ => {
            let (offset, length) = match random.below(3) {
                0 => (random.below(80) as usize, random.below(40) as usize + 1),
                _ => (
                    random.below(PAGES_MAX * PAGE as u64) as usize,
                    random.below(3 * PAGE as u64) as usize + 1,
                ),
            };
            let mut bytes = vec![0xaa; length];
            let outcome = file.read(offset as u64, &mut bytes).unwrap();
            assert_eq!((bytes, outcome), model.read(offset, length), "{length} at {offset}");
        }
    }
    assert_eq!(file.size(), model.current.len() as u64);
}

#[test]
fn the_file_is_an_array_with_commits() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let actor = ActorId::new("", "model").unwrap();
    let settings = [0, 8000, 1 << 20].into_iter().flat_map(|cache_bytes| {
        [0, 3, 10, 1000].map(|write_set_pages| (cache_bytes, write_set_pages))
    });
    for (seed, (cache_bytes, write_set_pages)) in (seed..).zip(settings) {
        println!("SEED={seed}");
        let mut random = Random(seed);
        let store = Arc::new(MemPageStore::new());
        store.offer_neighbours((seed % 4) as u32);
        let mut model = Model::default();
        for _ in 0..5 {
            let mount = mount_with(&store, cache_bytes, write_set_pages * PAGE as u64);
            for _ in 0..2 {
                let mut file = mount.open_main().unwrap();
                assert!(mount.open_main().is_none(), "opened twice");
                for _ in 0..STEPS / 10 {
                    step(&store, &mut file, &mut model, &mut random);
                    let held = mount.metrics().write_buffer_dirty_pages;
                    assert!(held <= write_set_pages.max(2), "{held} pages are held");
                }
                mount.close_main(file);
                assert_eq!(store.staged(&actor), 0, "a stage was left behind");
                model.roll_back();
            }
        }
        assert_eq!(store.counts().stages > 0, write_set_pages < 1000);
    }
}

#[test]
fn atomic_writes_begin_and_roll_back() {
    let store = Arc::new(MemPageStore::new());
    let mount = mount(&store, 1 << 20);
    let file = mount.open_main().unwrap();
    let mut open = OpenFile::Main { mount: mount.clone(), file };
    let page = Random(1).page(None);
    open.write(0, &page).unwrap();
    open.control(Control::BeginAtomic).unwrap();
    open.write(PAGE as u64, &page).unwrap();
    open.control(Control::CommitAtomic).unwrap();
    assert_eq!(mount.head().size, 2, "what was written before the begin belongs to it");
    open.write(2 * PAGE as u64, &page).unwrap();
    open.control(Control::BeginAtomic).unwrap();
    open.write(3 * PAGE as u64, &page).unwrap();
    open.control(Control::RollbackAtomic).unwrap();
    assert_eq!(open.size(), 2 * PAGE as u64);
    open.write(2 * PAGE as u64, &page).unwrap();
    open.unlock(1);
    assert_eq!(open.size(), 2 * PAGE as u64, "SQLite gave up on it");
    assert_eq!((store.counts().commits, mount.metrics().rollbacks), (1, 2));
    open.close();
}

#[test]
fn a_dead_handle_refuses_every_call() {
    let store = Arc::new(MemPageStore::new());
    let mount = mount(&store, 1 << 20);
    let mut file = mount.open_main().unwrap();
    let page = Random(1).page(None);
    file.write(0, &page).unwrap();
    file.commit(Route::Batch).unwrap();
    file.write(0, &page).unwrap();
    let (cause, calls) = (StoreError::Dead { reason: "told to".into() }, store.counts());
    mount.shared().poison_with(cause.clone());
    mount.shared().poison_with(StoreError::Closed);
    let refused = |outcome: Result<(), Failed>, code| {
        assert_eq!(outcome, Err(Failed(code)));
        assert_eq!(mount.take_error(), Some(cause.clone()), "the first reason stays");
        assert_eq!(mount.take_error(), None);
    };
    refused(file.read(0, &mut [0; 16]).map(drop), ffi::SQLITE_IOERR_READ);
    refused(file.write(0, &page), ffi::SQLITE_IOERR_WRITE);
    refused(file.truncate(0), ffi::SQLITE_IOERR_TRUNCATE);
    refused(file.sync(), ffi::SQLITE_ABORT);
    refused(file.commit(Route::Batch), ffi::SQLITE_ABORT);
    let mut open = OpenFile::Main { mount: mount.clone(), file };
    refused(open.lock(), ffi::SQLITE_IOERR_LOCK);
    refused(open.control(Control::BeginAtomic).map(drop), ffi::SQLITE_ABORT);
    refused(open.control(Control::CommitAtomic).map(drop), ffi::SQLITE_ABORT);
    open.close();
    assert_eq!(store.counts(), calls);
}

#[test]
fn the_journal_tells_a_commit_from_a_rollback() {
    let store = Arc::new(MemPageStore::new());
    let mount = mount(&store, 1 << 20);
    let mut file = mount.open_main().unwrap();
    let journal = &mount.shared().journal;
    journal.write(0, b"journal").unwrap();
    for (number, commits) in [(1, false), (2, true)] {
        journal.begin();
        file.write(0, &Random(number).page(None)).unwrap();
        journal.measure();
        if commits {
            journal.sync();
        }
        journal.read(0, &mut [0; 4]).unwrap();
        file.sync().unwrap();
        assert_eq!(store.counts().commits, u64::from(commits));
    }
    mount.close_main(file);
}

/// A playback that failed half way leaves a hot journal, which the next lock plays back again.
#[test]
fn a_playback_that_breaks_off_restores_the_base_all_the_same() {
    let store = Arc::new(MemPageStore::new());
    let mount = mount_with(&store, 1 << 20, 3 * PAGE as u64);
    let file = mount.open_main().unwrap();
    let mut open = OpenFile::Main { mount: mount.clone(), file };
    let page = |number| Random(number).page(None);
    for number in 0..10 {
        open.write(number * PAGE as u64, &page(number)).unwrap();
    }
    open.control(Control::CommitAtomic).unwrap();
    let before = (mount.head(), store.counts().commits);
    let journal = &mount.shared().journal;
    for number in 0..8 {
        open.lock().unwrap();
        journal.write(0, b"journal").unwrap();
        for number in 0..8 {
            open.write(number * PAGE as u64, &page(number + 20)).unwrap();
        }
        journal.measure();
        open.write(number * PAGE as u64, &page(number)).unwrap();
        // The error; then the next statement, which finds the journal hot.
        open.unlock(0);
        open.lock().unwrap();
        journal.sync();
        journal.measure();
        open.truncate(10 * PAGE as u64).unwrap();
        open.write(0, &page(0)).unwrap();
        open.sync().unwrap();
        journal.truncate(0).unwrap();
        open.unlock(1);
        for number in 0..10 {
            let mut bytes = vec![0; PAGE];
            open.read(number * PAGE as u64, &mut bytes).unwrap();
            assert_eq!(bytes, page(number));
        }
    }
    assert_eq!((mount.head(), store.counts().commits), before);
    assert_eq!(store.counts().discards, 8);
    open.close();
}

#[test]
fn an_empty_journal_is_none() {
    let store = Arc::new(MemPageStore::new());
    let mount = mount(&store, 1 << 20);
    let name = format!("{}-journal", mount.file_name());
    let mut journal = OpenFile::open(Some(&name), ffi::SQLITE_OPEN_MAIN_JOURNAL).unwrap();
    assert!(!open_file::exists(&name), "each transaction would look whether it is hot");
    journal.write(0, b"journal").unwrap();
    assert!(open_file::exists(&name));
    journal.truncate(0).unwrap();
    assert!(!open_file::exists(&name));
    journal.write(0, b"journal").unwrap();
    journal.close();
    assert!(open_file::exists(&name), "it outlives its handle");
    open_file::delete(&name).unwrap();
    assert!(!open_file::exists(&name));
    assert!(open_file::delete(mount.file_name()).is_err());
    assert!(OpenFile::open(Some(mount.file_name()), ffi::SQLITE_OPEN_MAIN_JOURNAL).is_err());
    assert!(OpenFile::open(Some(&name), ffi::SQLITE_OPEN_MAIN_DB).is_err());
}

#[test]
fn commits_have_names_and_tickets_that_rise() {
    let store = Arc::new(MemPageStore::new());
    let mount = mount(&store, 1 << 20);
    let mut file = mount.open_main().unwrap();
    let mut before = mount.ticket();
    for number in 1..4 {
        file.write(0, &Random(number).page(None)).unwrap();
        file.commit(Route::Batch).unwrap();
        assert!(mount.ticket() > before);
        before = mount.ticket();
        let commit_id = CommitId { generation: mount.lease().generation(), sequence: number };
        let landed = store.resolve(mount.lease(), commit_id).unwrap();
        assert_eq!(landed, Resolution::Landed(mount.head(), before));
    }
    mount.close_main(file);
}

#[test]
fn the_committed_write_set_is_the_cache() {
    let store = Arc::new(MemPageStore::new());
    let mount = mount(&store, 1 << 20);
    let mut file = mount.open_main().unwrap();
    let page = Random(1).page(None);
    for offset in [0, PAGE as u64] {
        file.write(offset, &page).unwrap();
    }
    file.write(0, &page).unwrap();
    let place = |file: &MainFile, pgno| match file.write_set.place(pgno) {
        Place::Written(frame) => frame.bytes().as_ptr(),
        _ => panic!("page {pgno} is not written"),
    };
    let second = Pgno::new(2).unwrap();
    let written = [place(&file, Pgno::ONE), place(&file, second)];
    file.commit(Route::Batch).unwrap();
    let cached = [Pgno::ONE, second].map(|pgno| file.cache.peek(pgno).unwrap().bytes().as_ptr());
    assert_eq!(written, cached, "a page was copied between the write set and the cache");
    mount.close_main(file);
}

#[test]
fn a_cached_frame_is_not_written_into() {
    let store = Arc::new(MemPageStore::new());
    let mount = mount(&store, 1 << 20);
    let mut file = mount.open_main().unwrap();
    let (old, new) = (Random(1).page(None), Random(2).page(None));
    file.write(0, &old).unwrap();
    file.commit(Route::Batch).unwrap();
    file.write(0, &new).unwrap();
    file.roll_back();
    let mut bytes = vec![0; PAGE];
    file.read(0, &mut bytes).unwrap();
    assert_eq!(bytes, old);
    mount.close_main(file);
}

#[test]
fn the_zeros_of_a_growth_are_made_in_parts() {
    let store = Arc::new(MemPageStore::new());
    let mount = mount_with(&store, 0, 10 * PAGE as u64);
    let mut file = mount.open_main().unwrap();
    let page = Random(1).page(None);
    file.write(0, &page).unwrap();
    file.write(999 * PAGE as u64, &page).unwrap();
    file.commit(Route::Batch).unwrap();
    assert_eq!((mount.head().size, store.counts().pages_committed), (1000, 1000));
    let counts = store.counts();
    assert_eq!((counts.pages_staged, counts.stages), (990, 110));
    let mut bytes = vec![1; PAGE];
    file.read(500 * PAGE as u64, &mut bytes).unwrap();
    assert_eq!(bytes, [0; PAGE]);
    mount.close_main(file);
}
