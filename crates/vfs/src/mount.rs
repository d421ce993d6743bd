//! One database in this process: a claim, and the files SQLite sees of it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use actor_sqlite_ltx::{PageSize, Pgno};
use actor_sqlite_pagestore::{
    Claim, CommitId, Generation, Head, Lease, PageStore, StoreError, Ticket,
};

use crate::hints::Learner;
use crate::main_file::MainFile;
use crate::metrics::VfsMetrics;
use crate::options::MountOptions;
use crate::page_cache::{Incarnation, MountCache, PageCache};
use crate::registry;
use crate::scratch::ScratchPool;
use crate::shared::{Position, Shared};
use crate::write_set::WriteSet;

/// The pages that a closed mount left in the page cache, for [`Mount::resume`]. They age out there
/// whether this is kept or not.
#[derive(Debug)]
pub struct KeptPages {
    cache: Weak<PageCache>,
    pages: Incarnation,
    generation: Generation,
    head: Head,
    /// The next commit id's: an id that something was staged under is not used again.
    sequence: u64,
}

impl KeptPages {
    /// Whether they are the pages of the claimed state.
    fn are_of(&self, claim: &Claim, cache: &Arc<PageCache>) -> bool {
        self.generation == claim.lease.generation()
            && self.head == claim.head
            && std::ptr::eq(self.cache.as_ptr(), Arc::as_ptr(cache))
    }
}

/// A claim that cannot be mounted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// The claim came with a page of another length than the database's.
    #[error("page {pgno} of the claim has {bytes} bytes, the database pages of {}", page_size.get())]
    PageLength {
        /// The page.
        pgno: Pgno,
        /// Its length.
        bytes: usize,
        /// The database's page size.
        page_size: PageSize,
    },
}

/// One database that SQLite can open, once at a time, under [`Mount::file_name`].
///
/// The connection's thread works on the file; everything here may be called from any thread, and
/// does not wait for the store.
pub struct Mount {
    incarnation: Incarnation,
    name: String,
    store: Arc<dyn PageStore>,
    lease: Lease,
    shared: Arc<Shared>,
    cache: MountCache,
    /// The main file while no connection has it; for good `None` once closed.
    main: Mutex<Parked>,
}

enum Parked {
    Here(Box<MainFile>),
    Open,
    Closed,
}

impl Mount {
    /// Makes a claimed database known to the VFS.
    ///
    /// # Errors
    /// [`MountError::PageLength`]. The lease is then still the caller's to release.
    pub fn new(
        store: Arc<dyn PageStore>,
        claim: Claim,
        cache: Arc<PageCache>,
        options: MountOptions,
    ) -> Result<Arc<Self>, MountError> {
        Self::build(store, claim, cache, options, None)
    }

    /// Makes a database known again that [`Mount::close`] left, with the pages that it had in the page
    /// cache; without them if it was changed or claimed since, or the cache is another one.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn resume(
        store: Arc<dyn PageStore>,
        claim: Claim,
        cache: Arc<PageCache>,
        options: MountOptions,
        kept: KeptPages,
    ) -> Result<Arc<Self>, MountError> {
        let kept = Some(kept).filter(|kept| kept.are_of(&claim, &cache));
        Self::build(store, claim, cache, options, kept)
    }

    fn build(
        store: Arc<dyn PageStore>,
        claim: Claim,
        cache: Arc<PageCache>,
        options: MountOptions,
        kept: Option<KeptPages>,
    ) -> Result<Arc<Self>, MountError> {
        let Claim { lease, head, ticket, pages, commit_bytes_max, next_sequence, hints, .. } =
            claim;
        let page_size = head.page_size;
        for (pgno, page) in &pages {
            if page.len() != page_size.bytes() {
                return Err(MountError::PageLength { pgno: *pgno, bytes: page.len(), page_size });
            }
        }
        let incarnation = Incarnation::next();
        let cached = kept.as_ref().map_or(incarnation, |kept| kept.pages);
        let cache = MountCache::new(cache, cached);
        let learner = match &kept {
            None => Learner::new(hints, head.size, options.reads.hint_pages_max(page_size)),
            // What is in the cache already is used without notice.
            Some(_) => Learner::off(),
        };
        let scratch = ScratchPool::new(
            options.scratch_bytes_max,
            options.scratch_disk_bytes_max,
            options.scratch_dir,
        );
        let shared = Arc::new(Shared::new(scratch, Position { head, ticket }, learner));
        let mut main = MainFile {
            store: store.clone(),
            lease: lease.clone(),
            shared: shared.clone(),
            cache: cache.clone(),
            staged_cache: cache.apart(),
            clock: options.clock,
            head,
            ticket,
            write_set: WriteSet::new(page_size, head.size),
            write_set_pages_max: write_set_pages_max(
                options.write_set_bytes_max.min(commit_bytes_max),
                page_size,
            ),
            stage_lost: None,
            atomic: false,
            read_ahead_pages_max: options.reads.read_ahead_pages_max,
            hinted: Arc::default(),
            header: None,
            sequence: kept.map_or(0, |kept| kept.sequence).max(next_sequence),
        };
        main.preload(pages);
        let main = Mutex::new(Parked::Here(Box::new(main)));
        let name = registry::main_name(incarnation);
        let mount = Arc::new(Self { incarnation, name, store, lease, shared, cache, main });
        registry::insert(incarnation, &mount);
        Ok(mount)
    }

    /// The name to open the database under, unique in the process: `/actor-sqlite/12`.
    pub fn file_name(&self) -> &str {
        &self.name
    }

    /// The right to the database.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The newest committed state.
    pub fn head(&self) -> Head {
        self.shared.position().head
    }

    /// Covers everything this connection has read or committed.
    pub fn ticket(&self) -> Ticket {
        self.shared.position().ticket
    }

    /// Why the handle is dead, if it is: every read, write, sync and lock fails until the database
    /// is claimed and mounted again.
    pub fn poison(&self) -> Option<StoreError> {
        self.shared.poison()
    }

    /// The cause behind the last code that SQLite got from here, once. To be asked after a failed
    /// statement, and only then; `None` if SQLite failed by itself.
    pub fn take_error(&self) -> Option<StoreError> {
        self.shared.take_error()
    }

    /// How long the store asked the writer to wait after the newest commit, once.
    pub fn take_back_off_us(&self) -> u32 {
        self.shared.back_off_us.swap(0, Ordering::Relaxed)
    }

    /// The counters, and how things stand.
    pub fn metrics(&self) -> VfsMetrics {
        let is_closed = matches!(*self.main(), Parked::Closed);
        let counted = self.shared.counters.snapshot();
        let unused = counted.pages_predicted.saturating_sub(counted.pages_predicted_used);
        let evicted = self.shared.evicted_unused.load(Ordering::Relaxed);
        VfsMetrics {
            pages_predicted_wasted: if is_closed { unused } else { evicted },
            page_cache: self.cache.metrics(),
            scratch_files_spilled: self.shared.scratch.files_spilled(),
            scratch_bytes_used: self.shared.scratch.bytes_used(),
            scratch_disk_bytes_used: self.shared.scratch.disk_bytes_used(),
            ..counted
        }
    }

    /// This thread works for this mount from now on: temporary files that SQLite opens on it are
    /// charged to this mount's budget, and their failures are this mount's. To be called before a
    /// statement, since one that touches temporary tables only locks no file of any mount; the
    /// beginning of a transaction of another mount on this thread ends it.
    pub fn enter(&self) {
        registry::enter(self.incarnation);
    }

    /// Ends the opening: from now on SQL cannot change the settings that are ours, and a PRAGMA
    /// that tries gets the effective value and no error.
    pub fn seal(&self) {
        self.shared.seal();
    }

    /// Forgets how the database was read lately, to save the memory while nobody reads it.
    pub fn drop_read_ahead(&self) {
        *self.shared.read_ahead() = None;
    }

    /// Ends the learning of hints: what is read from now on is work, and no longer the opening. It
    /// also ends by itself, after 512 pages.
    pub fn end_wake(&self) {
        self.shared.learner().end();
    }

    /// Saves what was learned for the next opening, if that is new: to be called now and then after
    /// [`Self::end_wake`], not from a thread that must not wait for the store. Does nothing for a
    /// dead handle or while a transaction has written. A failure is counted and that is all.
    pub fn save_hints(&self) {
        let is_writing = self.shared.counters.dirty_pages.get() > 0 || self.shared.stage.is_open();
        if !is_writing && self.shared.poison().is_none() {
            self.send_hints();
        }
    }

    fn send_hints(&self) {
        let Some(hints) = self.shared.learner().take_unsaved() else { return };
        let saved = self.store.save_hints(&self.lease, &hints);
        // Whoever saves holds this lock while it counts.
        let _learner = self.shared.learner();
        match saved {
            Ok(()) => self.shared.counters.hints_saved.add(1),
            Err(_) => self.shared.counters.hints_failed.add(1),
        }
    }

    /// Drops what was not committed, saves the hints and gives the lease back. A connection that
    /// still has the file gets errors from then on. Does nothing the second time.
    ///
    /// Answers what a later mount can go on with, unless a connection still has the file, the
    /// handle was dead, or it is closed already.
    pub fn close(&self) -> Option<KeptPages> {
        let before = std::mem::replace(&mut *self.main(), Parked::Closed);
        if matches!(before, Parked::Closed) {
            return None;
        }
        let alive = self.shared.poison().is_none();
        self.shared.poison_with(StoreError::Closed);
        self.drop_read_ahead();
        registry::remove(self.incarnation);
        // Of a connection that still has the file; any other has been rolled back.
        if let Some(sequence) = self.shared.stage.take().filter(|_| alive) {
            let generation = self.lease.generation();
            self.store.discard(&self.lease, CommitId { generation, sequence });
        }
        self.end_wake();
        if alive {
            self.send_hints();
        }
        self.store.release(&self.lease);
        match before {
            // Nobody else can reach the cache under this incarnation any more, so that no page of
            // another state gets there.
            Parked::Here(main) if alive => Some(KeptPages {
                cache: self.cache.shared(),
                pages: self.cache.incarnation(),
                generation: self.lease.generation(),
                head: main.head,
                sequence: main.sequence,
            }),
            _ => None,
        }
    }

    /// Takes the main file out, for a connection. `None` while another has it, and once closed.
    pub(crate) fn open_main(&self) -> Option<Box<MainFile>> {
        let mut parked = self.main();
        match std::mem::replace(&mut *parked, Parked::Open) {
            Parked::Here(main) => Some(main),
            other => {
                *parked = other;
                None
            }
        }
    }

    /// Puts the main file back, without what was not committed.
    pub(crate) fn close_main(&self, mut main: Box<MainFile>) {
        main.roll_back();
        let mut parked = self.main();
        if matches!(*parked, Parked::Open) {
            *parked = Parked::Here(main);
        }
    }

    pub(crate) fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn main(&self) -> MutexGuard<'_, Parked> {
        self.main.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many pages a write set of so many bytes holds: two at least, of which one can be staged.
fn write_set_pages_max(bytes: u64, page_size: PageSize) -> usize {
    usize::try_from(bytes / page_size.bytes() as u64).unwrap_or(usize::MAX).max(2)
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Mount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mount").field("name", &self.name).field("lease", &self.lease).finish()
    }
}
